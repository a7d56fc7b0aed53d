"""What runs a program: each back end takes one and gives a function of floats."""
