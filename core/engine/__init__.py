"""Short questions to models, answered by one child process over pipes."""
