"""Compiled functions over data past one machine: ``map`` and ``sum`` of the partitions of Dask's collections.

Who computes what and where, how data travel and what happens when a worker dies is Dask's business; here is only what is
done with each partition. docs/distributed.md has the guide. Needs the extra ``distributed``.
"""

from autograd_lite.distributed.rows import map, sum  # noqa: A004 - Python's names, and those of Compiled's methods

__all__ = ["map", "sum"]
