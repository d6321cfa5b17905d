"""Screen 5, the errors of a run: figures and the rows behind them, on any labelled split."""

from .screen import ErrorsScreen

__all__ = ["ErrorsScreen"]
