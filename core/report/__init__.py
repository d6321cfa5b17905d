"""The report of a run: its content as plain values, and two writers, HTML and Markdown."""
