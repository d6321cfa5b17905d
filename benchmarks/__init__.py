"""Measurements: emotui beside the tutorial's way, as ratios in one run on one machine."""
