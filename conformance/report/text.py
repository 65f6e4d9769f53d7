"""Makes foreign text safe to show: what a backend or a case says must not steer a terminal or reorder a line."""

from __future__ import annotations

import unicodedata
from pathlib import Path

from conformance.errors import UsageError

UNSAFE = {"Cc", "Cf", "Cs", "Co", "Zl", "Zp"}


def clean(text: str, width: int | None = None) -> str:
    """Return ``text`` with control, format (bidirectional too) and separator characters escaped, cut to ``width``."""
    if not text.isascii() or not text.isprintable():
        text = "".join(_escape(char) if unicodedata.category(char) in UNSAFE else char for char in text)
    return text if width is None or len(text) <= width else text[: width - 1] + "…"


def _escape(char: str) -> str:
    code = ord(char)
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def write(file: Path, text: str) -> None:
    """Write a text file that the command line names; raises UsageError where that is not possible."""
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8", errors="backslashreplace")
    except OSError as error:
        raise UsageError(f"{file}: {error.strerror}") from None
