"""The label queue: it shows one unlabelled text at a time, a key labels it, and the order learns from the labels."""

from .screen import LabelQueue

__all__ = ["LabelQueue"]
