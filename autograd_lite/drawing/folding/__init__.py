"""Graphs that are too large to be seen: what is alike is counted, and modules and runs become one box."""
