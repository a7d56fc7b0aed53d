"""A latch that is looked at in a nanosecond; see context.py."""

__all__ = ["Latch"]


cdef class Latch:
    """What a `with` block holds while it lasts: the part of ``threading.Lock`` that is used, without waiting."""

    def acquire(self):
        """Close it."""
        self.is_held = True
        return True

    def release(self):
        """Open it; ``RuntimeError`` if it is not closed."""
        if not self.is_held:
            raise RuntimeError("release unlocked lock")
        self.is_held = False

    def locked(self):
        """Whether it is closed."""
        return self.is_held

    def __enter__(self):
        return self.acquire()

    def __exit__(self, kind, error, traceback):
        self.release()
