"""What a run leaves behind: the report (JSON Lines) and all that is made of it: text, Markdown, JUnit, a page."""
