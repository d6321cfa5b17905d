"""The two processes that load models: the engine that answers short questions over pipes, and the worker of a run."""
