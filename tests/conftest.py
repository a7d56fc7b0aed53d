"""Settings for all tests."""

import os

import hypothesis
import pytest

from autograd_lite import Value

hypothesis.settings.register_profile("default", deadline=None)
hypothesis.settings.register_profile("ci", deadline=None, derandomize=True, database=None)
hypothesis.settings.load_profile("ci" if os.environ.get("CI") else "default")


class Interrupted(Value):
    """A Value at whose first assignment Ctrl-C comes."""

    __slots__ = ("was_assigned",)

    @property
    def data(self) -> float:
        return super().data

    @data.setter
    def data(self, data: float) -> None:
        if not hasattr(self, "was_assigned"):
            self.was_assigned = True
            raise KeyboardInterrupt
        self._data = data


@pytest.fixture
def interrupted() -> type[Value]:
    return Interrupted
