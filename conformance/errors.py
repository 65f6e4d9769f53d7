"""The error that ends a command with one clear line instead of a traceback."""

from __future__ import annotations


class UsageError(Exception):
    """The command line, a manifest, a case or a report cannot be used as given; the message names it and says why."""
