"""Metrics and statistics of predictions in plain NumPy, so that a screen computes them without a model library."""
