"""Screen 3, the training monitor: runs, their curves and their metrics."""

from .screen import TrainingScreen

__all__ = ["TrainingScreen"]
