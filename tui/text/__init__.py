"""Help and empty-state texts."""
