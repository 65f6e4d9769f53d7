"""The one canonical text of a case file, so that two people who write the same case write the same bytes."""

from __future__ import annotations

import json
from typing import Any

WIDTH = 120
MEMBERS = ("id", "op", "rules", "why", "source", "tags", "input", "expect", "repair")


def format_case(case: dict[str, Any]) -> str:
    """Return the canonical text of a case.

    The members of the case come in the order of ``MEMBERS`` (unknown ones last, as they stand); objects inside keep
    their order, because it is part of a test. What fits into ``WIDTH`` columns stays on one line.
    """
    known = {name: case[name] for name in MEMBERS if name in case}
    lines = ["{"]
    members = [*known.items(), *((name, value) for name, value in case.items() if name not in known)]
    for position, (name, value) in enumerate(members):
        comma = "," if position + 1 < len(members) else ""
        lines.append(f"  {_flat(name)}: {_block(value, 2, len(name) + 6)}{comma}")
    return "\n".join([*lines, "}", ""])


def _flat(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, allow_nan=False)


def _block(value: Any, indent: int, used: int) -> str:
    """Return ``value`` as text whose first line starts ``used`` columns in and whose others are indented."""
    flat = _flat(value)
    if used + len(flat) + 1 <= WIDTH or not isinstance(value, dict | list) or not value:
        return flat
    inner = indent + 2
    pad = " " * inner
    if isinstance(value, dict):
        parts = [f"{pad}{_flat(k)}: {_block(v, inner, inner + len(_flat(k)) + 2)}" for k, v in value.items()]
        return "{\n" + ",\n".join(parts) + "\n" + " " * indent + "}"
    if any(isinstance(item, dict | list) for item in value):
        parts = [pad + _block(item, inner, inner) for item in value]
        return "[\n" + ",\n".join(parts) + "\n" + " " * indent + "]"
    return "[\n" + _filled([_flat(item) for item in value], pad) + "\n" + " " * indent + "]"


def _filled(words: list[str], pad: str) -> str:
    """Wrap comma-separated scalars like a paragraph: a matrix of a thousand weights stays readable and diffs well."""
    lines, line = [], pad
    for position, word in enumerate(words):
        text = word + ("," if position + 1 < len(words) else "")
        if line != pad and len(line) + 1 + len(text) > WIDTH:
            lines.append(line)
            line = pad
        line += text if line == pad else f" {text}"
    return "\n".join([*lines, line])
