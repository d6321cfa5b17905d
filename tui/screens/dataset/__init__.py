"""Screen 1, the dataset browser: rows, classes, lengths and problems of the open data set."""

from .screen import DatasetScreen

__all__ = ["DatasetScreen"]
