"""Figures of predictions: plain NumPy, so that a screen computes them without a model library."""
