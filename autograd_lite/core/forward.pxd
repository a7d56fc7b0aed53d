cdef list pushed(list roots, dict seeds)
