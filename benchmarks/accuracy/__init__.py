"""How right it is: python -m benchmarks --accuracy."""
