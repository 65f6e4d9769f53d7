"""Rewrites an expectation file by the smallest change: takes out what passes now, adds what fails and was not foreseen.

The file is edited as text, table by table, so that comments, order and layout of what stays are kept. What is no case
(unmatched) or has expired is left to a person: a machine cannot know whether it was renamed, or should be extended.
"""

from __future__ import annotations

import itertools
import json
import os
import re
from dataclasses import dataclass
from pathlib import Path

from conformance.errors import UsageError
from conformance.expectations import HEADER, PLACEHOLDER, Entry, Expectations, code_of, read_entries
from conformance.outcome import FAIL, NOT_RUN, Result
from conformance.report.text import clean
from conformance.toml import TOMLDecodeError, loads

WRITTEN_REASON = f"{PLACEHOLDER}: say why"
TITLE = "# What the backend {} is known to fail; see docs/expectations.md.\n"


@dataclass(frozen=True)
class Change:
    """What an update did to a file."""

    file: Path
    removed: int
    shortened: int
    added: int

    def __str__(self) -> str:
        """Say it in one line."""
        parts = [f"{self.removed} removed", f"{self.shortened} shortened", f"{self.added} added"]
        told = ", ".join(part for part in parts if not part.startswith("0 "))
        return f"{self.file}: {told}" + ("; write the reasons" if self.added else "")


def update(expectations: Expectations) -> Change | None:
    """Rewrite the file of a backend after a run; None where there is nothing to change.

    Raises:
        UsageError: The file cannot be written, or its entries are not written as [[expected]] tables.
    """
    file = expectations.file
    old = file.read_bytes().decode("utf-8") if file.exists() else TITLE.format(file.stem)
    preamble, chunks = _split(old, expectations)
    kept, removed, shortened = [], 0, 0
    for entry, chunk in zip(expectations.entries, chunks, strict=True):
        left = _patterns_left(entry, expectations)
        removed += not left
        shortened += bool(left) and left != list(entry.ids)
        if left:
            kept.append(chunk if left == list(entry.ids) else _with_ids(chunk, left))
    groups = _unforeseen(expectations)
    if not (removed or shortened or groups):
        return None
    text = preamble + "".join(kept)
    for (_, outcome, code), ids in groups.items():
        text = text.rstrip("\n") + "\n\n" + _table(outcome, code, ids)
    read_entries(text, file)  # whatever happens, no file is left behind that the next run cannot read
    _replace(file, text)
    return Change(file, removed, shortened, len(groups))


def _split(text: str, expectations: Expectations) -> tuple[str, list[str]]:
    """Cut the text before each table, taking along the comment lines that stand right above it."""
    lines = text.splitlines(keepends=True)
    starts: list[int] = []
    for number, line in enumerate(lines):
        if HEADER.match(line):
            start = number
            while start > (starts[-1] + 1 if starts else 0) and lines[start - 1].lstrip().startswith("#"):
                start -= 1
            starts.append(start)
    cuts = [*starts, len(lines)]
    chunks = ["".join(lines[a:b]) for a, b in itertools.pairwise(cuts)]
    if [_ids_of(chunk) for chunk in chunks] != [entry.ids for entry in expectations.entries]:
        raise UsageError(
            f"expectations {expectations.file}: cannot be edited: write each entry as an [[expected]] table"
        )
    if chunks and starts[0] == 0 and lines[0].startswith("#"):
        # A comment at the very top speaks of the file; it must not go with the first entry.
        head = next(n for n, line in enumerate(lines) if not line.startswith("#"))
        return "".join(lines[:head]), ["".join(lines[head : cuts[1]]), *chunks[1:]]
    return "".join(lines[: cuts[0]]), chunks


def _ids_of(chunk: str) -> tuple[str, ...] | None:
    try:
        (table,) = loads(chunk)["expected"]
    except (TOMLDecodeError, LookupError, ValueError):
        return None
    ids = table.get("id")
    return (ids,) if isinstance(ids, str) else tuple(dict.fromkeys(ids))


def _patterns_left(entry: Entry, expectations: Expectations) -> list[str]:
    """Return the entry's patterns without the cases that pass now or fail in another way."""
    wrong = {result.id for result in expectations.unforeseen if not entry.describes(result)}
    wrong |= expectations.passed
    left: list[str] = []
    for pattern in entry.ids:
        named = expectations.names_of(entry, pattern)
        if wrong.isdisjoint(named):
            left.append(pattern)
        else:
            left += [_literal(case_id) for case_id in named if case_id not in wrong]
    return list(dict.fromkeys(left))


def _unforeseen(expectations: Expectations) -> dict[tuple[str, str, str], list[str]]:
    """Group the failures that no entry describes, not even one that has expired: by operation, outcome and code."""
    groups: dict[tuple[str, str, str], list[str]] = {}
    for result in expectations.unforeseen:
        described = any(entry.describes(result) for entry in expectations.named.get(result.id, ()))
        if not described and result.outcome != NOT_RUN:
            groups.setdefault((result.op, result.outcome, _code(result)), []).append(_literal(result.id))
    return groups


def _code(result: Result) -> str:
    return _literal(code_of(result)) if result.outcome == FAIL else ""


def _literal(text: str) -> str:
    """Return the shell pattern that matches just this text; ``?`` is for a lone surrogate, which TOML lacks."""
    pattern = re.sub(r"([*?\[])", r"[\1]", text)
    return "".join("?" if "\ud800" <= char <= "\udfff" else char for char in pattern)


def _with_ids(chunk: str, ids: list[str]) -> str:
    """Return a table's text with other ids; a list of one id per line only loses lines."""
    lines = chunk.splitlines(keepends=True)
    first = next(n for n, line in enumerate(lines) if re.match(r"\s*(id|\"id\"|'id')\s*=", line))
    last = first
    while not _is_toml("".join(lines[first : last + 1])):
        last += 1
    block = lines[first : last + 1]
    fewer = "".join(line for line in block if _is_kept(line, ids))
    if not (_is_toml(fewer) and loads(fewer) == {"id": ids}):
        fewer = f"id = {_ids_text(ids)}\n"
    return "".join([*lines[:first], fewer, *lines[last + 1 :]])


def _is_toml(text: str) -> bool:
    try:
        loads(text)
    except TOMLDecodeError:
        return False
    return True


def _is_kept(line: str, ids: list[str]) -> bool:
    """Tell whether a line of a list stays: all but those that hold one string alone which is not among ``ids``."""
    match = re.fullmatch(r"\s*(\"[^\"\\]*\"|'[^']*')\s*,?\s*(#.*)?\s*", line)
    return match is None or match[1][1:-1] in ids


def _table(outcome: str, code: str, ids: list[str]) -> str:
    lines = ["[[expected]]", f"id = {_ids_text(ids)}", f"outcome = {_string(outcome)}"]
    lines += [f"code = {_string(code)}"] if outcome == FAIL else []
    return "\n".join([*lines, f"reason = {_string(WRITTEN_REASON)}", ""])


def _ids_text(ids: list[str]) -> str:
    if len(ids) == 1:
        return _string(ids[0])
    return "[\n" + "".join(f"    {_string(case_id)},\n" for case_id in ids) + "]"


def _string(text: str) -> str:
    # TOML's basic strings know JSON's escapes; it forbids a raw DEL, which JSON does not, and "clean" escapes that too.
    return clean(json.dumps(text, ensure_ascii=False))


def _replace(file: Path, text: str) -> None:
    """Write the file whole or not at all."""
    fresh = file.with_name(f".{file.name}.{os.getpid()}")
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        fresh.write_bytes(text.encode("utf-8"))
        fresh.replace(file)
    except OSError as error:
        raise UsageError(f"expectations {file}: {error.strerror}") from None
