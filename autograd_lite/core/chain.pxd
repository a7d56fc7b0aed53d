cimport cython

from autograd_lite.core cimport modes, unboxed
from autograd_lite.core.node cimport Node


@cython.locals(node=Node, mode=modes.Modes)
cdef dict _pull_back(list order, dict seeds, bint create_graph, bint keep, bint is_special)
