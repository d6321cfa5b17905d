"""The report of a run: what it says as plain values, and the two ways in which it is written, HTML and Markdown."""
