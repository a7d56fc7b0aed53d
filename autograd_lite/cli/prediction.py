"""The command predict: a line of CSV for each row of a table."""

import argparse
import csv
import io

from autograd_lite.cli.models import loaded
from autograd_lite.cli.output import write_out
from autograd_lite.cli.tables import read_table

__all__ = ["predict"]


def predict(given: argparse.Namespace) -> int:
    """Write the predictions of a saved model."""
    model = loaded(given.model)
    table = read_table(given.data, given.encoding)
    scores = model.scores(model.encoded(table))
    classes = model.target.classes
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["prediction", *(f"probability of {name}" for name in classes)])
    for row in scores:
        best = [classes[max(range(len(row)), key=row.__getitem__)]] if classes else []
        writer.writerow([*best, *row])
    write_out(given.out, text.getvalue().encode())
    return 0
