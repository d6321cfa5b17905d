"""Tokenizers, encoders and classifiers: the only folder, with the two processes that call it, that imports torch."""
