"""The Textual application, and the `emotui` command."""
