"""The kinds of fault, one module each, found by name."""
