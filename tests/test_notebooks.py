"""The notebooks run from top to bottom; their cells assert what they claim. Long loops are cut short here."""

from pathlib import Path
from typing import Any

import pytest

nbclient = pytest.importorskip("nbclient", reason="of the dependency group dev")
nbformat = pytest.importorskip("nbformat")
pytest.importorskip("ipykernel")

NOTEBOOKS = Path(__file__).parent.parent / "notebooks"

#: What to shorten in each notebook, so that the test does not take minutes.
SHORTER = {
    "02_five_classic_programs.ipynb": {
        "num_epochs = 1000\n": "num_epochs = 10\n",
        "num_epochs = 10000\n": "num_epochs = 500\n",
        "digit_epochs = 2\n": "digit_epochs = 1\n",
    },
    "04_training.ipynb": {"epochs = 30\n": "epochs = 1\n"},
    "08_real_problems.ipynb": {"n = 1_000_000\n": "n = 1_000\n"},
    "09_a_gpt_of_scalars.ipynb": {"steps = 1500\n": "steps = 20\n"},
}


def read(path: Path) -> Any:
    return nbformat.read(path, as_version=4)


@pytest.mark.filterwarnings("ignore")  # of the packages that start a kernel
@pytest.mark.parametrize("path", sorted(NOTEBOOKS.glob("*.ipynb")), ids=lambda path: path.stem)
def test_a_notebook_runs_from_top_to_bottom(path: Path) -> None:
    notebook = read(path)
    source = "".join(cell.source for cell in notebook.cells)
    for long, short in SHORTER.get(path.name, {}).items():
        assert source.count(long) == 1
        for cell in notebook.cells:
            cell.source = cell.source.replace(long, short)
    nbclient.NotebookClient(notebook, timeout=120, kernel_name="python3").execute()


@pytest.mark.parametrize("path", sorted(NOTEBOOKS.glob("*.ipynb")), ids=lambda path: path.stem)
def test_a_notebook_is_kept_with_its_output(path: Path) -> None:
    notebook = read(path)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert [cell.execution_count for cell in code] == list(range(1, len(code) + 1))
    assert not any(output.output_type == "error" for cell in code for output in cell.outputs)


def test_the_second_program_is_pytorchs_but_for_its_imports() -> None:
    notebook = read(NOTEBOOKS / "02_five_classic_programs.ipynb")
    (program,) = [cell.source for cell in notebook.cells if "class SimpleNN" in cell.source]
    lines = program.splitlines()
    assert lines[:3] == [
        "import autograd_lite as torch",
        "import autograd_lite.nn as nn",
        "import autograd_lite.optim as optim",
    ]
    assert "autograd_lite" not in "".join(lines[3:])
