"""Tokenizers, encoders and classifiers. Only this package and the two processes of core/engine import torch."""
