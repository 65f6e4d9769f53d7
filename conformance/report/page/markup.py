"""Pieces of HTML. Whatever comes from a report passes through ``text`` or ``attributes``, which escape it."""

from __future__ import annotations

import html
from collections.abc import Iterable
from urllib.parse import quote

from conformance.report.text import clean


def text(value: object) -> str:
    """Return foreign text for between tags or for an attribute: no markup, no control or bidirectional characters."""
    return html.escape(clean(str(value)))


def tag(name: str, content: str = "", /, **values: object) -> str:
    """Return an element around ``content``, which is HTML already; ``class_`` is the attribute ``class``."""
    return f"<{name}{attributes(**values)}>{content}</{name}>"


def attributes(**values: object) -> str:
    """Return attributes with their values escaped; None leaves one out, True stands alone, ``_`` becomes ``-``."""
    parts = []
    for name, value in values.items():
        if value is None or value is False:
            continue
        spelled = name.rstrip("_").replace("_", "-")
        parts.append(f" {spelled}" if value is True else f' {spelled}="{text(value)}"')
    return "".join(parts)


def rows(cells: Iterable[str]) -> str:
    """Return a table row of cells that are elements already."""
    return f"<tr>{''.join(cells)}</tr>\n"


def fragment(name: str) -> str:
    """Return the link to the element with that id."""
    return "#" + quote(clean(name), safe="/-_.~@")


def filter_link(**wanted: str) -> str:
    """Return the link that shows the failures of an operation, a rule, a backend."""
    return "#" + "&".join(f"{name}={quote(clean(value), safe='')}" for name, value in wanted.items())


def count(number: int, noun: str) -> str:
    """Return a number with its noun, ``1 failure`` or ``2 failures``."""
    return f"{number:,} {noun}" + ("" if number == 1 else "s")
