"""The page that says why a text gets its label: its words, attention, the nearest training rows, and the words of wrong rows."""

from .opening import explain
from .screen import WhyPage

__all__ = ["WhyPage", "explain"]
