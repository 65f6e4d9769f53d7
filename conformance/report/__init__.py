"""What a run leaves behind: the report (JSON Lines), the terminal's text, the Markdown summary."""
