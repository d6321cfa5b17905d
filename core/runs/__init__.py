"""Runs: one folder each, a supervisor and a worker process that write it, and readers that derive its state."""
