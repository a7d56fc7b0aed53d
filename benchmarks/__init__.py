"""How fast it is, and how right: `python -m benchmarks`. README.md says how it measures."""
