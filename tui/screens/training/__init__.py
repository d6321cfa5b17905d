"""Screen 3, the training monitor: runs, their curves, and what their predictions are worth."""

from .screen import TrainingScreen

__all__ = ["TrainingScreen"]
