"""The outputs of a model for many samples at once, in the compiled core."""

import array
from typing import Any

from autograd_lite import pytree
from autograd_lite.core.node import number, numbers_of
from autograd_lite.jit.backends.rows import over_rows
from autograd_lite.jit.batch import Place, rows_of, template_of
from autograd_lite.training.trial import NotCompiledError, check_mode, columns, numbers_in, recorded

__all__ = ["Predictor"]

#: Recording a model takes about as long as its outputs for so many samples.
WORTH_RECORDING = 500


class Predictor:
    """The outputs of a model in the mode that it is in, as plain numbers; recorded anew when something has changed."""

    def __init__(self, model: Any) -> None:
        self._model = model
        self._waited = 0  # samples that it was not worth recording for
        self._variant: Any = None
        self._key: Any = None

    def outputs(self, samples: list[Any]) -> list[Any]:
        """The output for each sample. Raises ``NotCompiledError``."""
        check_mode()
        if self._variant is None and self._waited + len(samples) < WORTH_RECORDING:
            self._waited += len(samples)
            raise NotCompiledError("there are few samples")
        column = columns([samples])[0]
        key = (column.width, column.structure)
        if self._variant is None or key != self._key or not self._variant.environment.holds():
            self._variant, self._key = recorded(self._model, (column.row(0),)), key
        path = self._variant.latest
        if path.recording.tracer.draws:
            raise NotCompiledError("it draws random numbers")
        leaves, structure = numbers_in(template_of(path, {}))
        code = path.recording.over_rows(over_rows, column.width, is_sum=False)
        width = len(code.program.outputs)
        out, failed = array.array("d", bytes(8 * len(samples) * width)), array.array("i", [-1]) * len(samples)
        of_all = code.map([column], None, numbers_of(path.closed_over), out, failed, 1)
        if of_all is not None:
            raise NotCompiledError("it takes another branch now")
        places = [leaf.position if isinstance(leaf, Place) else None for leaf in leaves]
        rows, found = rows_of(out, width, len(samples)), []
        for i, sample in enumerate(samples):
            if failed[i] >= 0:
                found.append(pytree.map_leaves(number, self._model(sample)))
                continue
            own = rows[i] if places == list(range(width)) else [
                leaf if place is None else rows[i][place] for leaf, place in zip(leaves, places, strict=True)
            ]  # fmt: skip
            found.append(structure.unflatten(own))
        return found
