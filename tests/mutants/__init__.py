"""Mutants: small faults put into a room's modules, which the room's own tests should notice."""
