"""Pairs on the edge of the rules, drawn by number, and the question whether all backends read them alike."""
