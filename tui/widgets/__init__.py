"""Widgets that take plain data and know nothing of runs."""
