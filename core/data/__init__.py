"""Labelled texts: where they come from, whether they are sound, and what they look like."""
