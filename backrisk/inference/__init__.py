"""Exact inference: over the rows of a survey, and over the draws of a posterior."""
