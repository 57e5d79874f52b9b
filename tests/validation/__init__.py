"""Faults planted in a known truth, and what the checks of a fit say of them."""
