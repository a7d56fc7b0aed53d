from cpython.contextvars cimport PyContextVar_Get
from cpython.object cimport PyObject


cdef class Latch:
    cdef bint is_held


cdef inline bint is_closed(Latch latch):
    return latch.is_held


cdef inline object value_of(object variable):
    cdef PyObject* found
    PyContextVar_Get(variable, NULL, &found)
    value = <object>found
    Py_DECREF(value)
    return value


cdef extern from "Python.h":
    void Py_DECREF(object)
