"""What every operation passes through. README.md beside this file says in which order to read it."""
