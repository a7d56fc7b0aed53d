"""What a mode needs of Python's C code: a latch, and the value of a context variable. The compiled core has its own."""

import threading
from contextvars import ContextVar

__all__ = ["Latch", "is_closed", "value_of"]

#: What a `with` block holds while it lasts. Its methods are written in C, where Ctrl-C cannot come in between.
Latch = threading.Lock
#: Whether a latch is held.
is_closed = type(Latch()).locked
#: The value of a context variable in the current context.
value_of = ContextVar.get
