"""The queue of texts without a label: one in hand, a key gives its label, and the order learns from what was given."""

from .screen import LabelQueue

__all__ = ["LabelQueue"]
