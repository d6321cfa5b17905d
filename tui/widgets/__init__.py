"""Widgets that take plain data and know nothing about runs."""
