"""Short questions to models, answered by one child process over pipes."""

SERVER = "emotui.core.engine.server"
"""The module that the child runs."""
