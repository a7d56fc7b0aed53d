"""Programs as text that runs, or is read, without this package."""
