"""What the exit code of ``python -m conformance`` means."""

CONFORM = 0
"""Every selected backend answered every selected case as it is due."""

NOT_CONFORM = 1
"""A backend answered differently, failed, or broke; for the checking verbs: something was found."""

USAGE = 2
"""The command line, a manifest or a corpus cannot be used."""

BACKEND_MISSING = 3
"""A required backend is missing or does not start."""

NOTHING_SELECTED = 4
"""The filters left no case."""

REJECTED = 5
"""The pair that ``check`` or ``inspect`` was given breaks a rule; of ``check``: all backends say so alike."""

INTERRUPTED = 130
"""Ctrl-C; the report holds what was finished."""
