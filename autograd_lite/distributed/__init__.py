"""Compiled functions over data past one machine: ``map`` and ``sum`` of the partitions of Dask's collections.

Who computes what, how data travel and what happens when a worker dies is Dask's business. Here is only what is done
with each partition. The guide is docs/distributed.md. Needs the extra ``distributed``.
"""

from autograd_lite.distributed.rows import map, sum

__all__ = ["map", "sum"]
