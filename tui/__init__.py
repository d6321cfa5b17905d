"""The Textual application, and the `emotui` command."""

import os

# The application draws at most this often a second, and so an answer to a key that takes two frames waits. Textual's own is 60.
os.environ.setdefault("TEXTUAL_FPS", "120")
