"""Runs: a folder each, a supervisor and a worker process that fill it, and readers that derive its state."""
