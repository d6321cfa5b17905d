"""The hand-written starter data."""
