"""The page that explains a prediction: word weights, attention, nearest training rows, and typical words of wrong rows."""

from .opening import explain
from .screen import WhyPage

__all__ = ["WhyPage", "explain"]
