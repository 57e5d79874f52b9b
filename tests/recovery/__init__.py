"""Whether intervals of panels cover what they were simulated from: ``python -m tests.recovery``."""
