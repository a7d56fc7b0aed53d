"""``Value`` under the address it has in micrograd; it lives in :mod:`autograd_lite.core.value`."""

from autograd_lite.core.value import Value

__all__ = ["Value"]
