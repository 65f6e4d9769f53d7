"""Expected failures: a TOML file per backend that says which cases it is known to fail, how and why.

    [[expected]]
    id = "simulate-lif-*"        # a shell pattern on case ids, or a list of them
    outcome = "fail"             # or error, unsupported, crash, timeout, protocol-error
    code = "accept"              # with "fail" only: the code answered, "accept", or a shell pattern
    reason = "decays after integration"
    link = "https://…"           # optional
    expires = 2027-06-30         # optional: the last day

An entry says that *every* case it names fails so. One of them that passes makes it stale: a pattern that is too wide
would hide the next fault. An entry that has expired, or whose reason is still to be written, covers nothing.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timezone
from fnmatch import fnmatchcase
from functools import cached_property
from pathlib import Path
from typing import Any

from conformance.errors import UsageError
from conformance.outcome import (
    CRASH,
    ERROR,
    FAIL,
    PASS,
    PROTOCOL_ERROR,
    TIMEOUT,
    UNSUPPORTED,
    ExpectedFailure,
    Result,
)
from conformance.session import Incident
from conformance.toml import TOMLDecodeError, loads

INCIDENT = "expectations"
"""The kind of incident that says what is wrong with an expectation file."""

OUTCOMES = (FAIL, ERROR, UNSUPPORTED, CRASH, TIMEOUT, PROTOCOL_ERROR)
MEMBERS = ("id", "outcome", "code", "reason", "link", "expires")
PLACEHOLDER = "TODO"
HEADER = re.compile(r"\s*\[\[\s*expected\s*\]\]")
SHOWN = 5


@dataclass(frozen=True)
class Entry:
    """One ``[[expected]]`` table.

    Attributes:
        where: File and line, for messages.
        ids: Shell patterns on case ids.
        outcome: The outcome that is expected.
        code: With outcome "fail", a shell pattern on the code answered or on "accept"; else empty.
        reason: Why the backend deviates.
        link: Where more is said, or empty.
        expires: The last day of the exemption, or None.
    """

    where: str
    ids: tuple[str, ...]
    outcome: str
    code: str
    reason: str
    link: str = ""
    expires: date | None = None

    def describes(self, result: Result) -> bool:
        """Tell whether a result, of a case that the entry names, is the failure that it foresees."""
        return result.outcome == self.outcome and (not self.code or fnmatchcase(code_of(result), self.code))

    @property
    def fault(self) -> str | None:
        """Why the entry covers nothing (today), or None."""
        if self.expires is not None and self.expires < today():
            return f"expired on {self.expires}: mend the backend, or set a later date"
        if not self.reason.strip() or self.reason.startswith(PLACEHOLDER):
            return "the reason is still to be written"
        return None

    @cached_property
    def excuse(self) -> ExpectedFailure:
        """What a result that the entry covers is marked with."""
        return ExpectedFailure(self.where, self.reason, self.link, str(self.expires or ""))


def today() -> date:
    """Return the date in UTC, so that an entry expires everywhere at once."""
    return datetime.now(timezone.utc).date()


def code_of(result: Result) -> str:
    """Return what an entry's ``code`` is held against: the code of a reject, else the verdict; empty if none came."""
    if result.got is None:
        return ""
    return str(result.got.get("code", "")) if result.got.get("verdict") == "reject" else str(result.got["verdict"])


class Expectations:
    """The expected failures of one backend, held against its results as they come.

    Attributes:
        file: The expectation file; it need not be there.
        entries: Its entries, in their order.
        named: case id → the entries that name it.
        passed: Ids of cases that an entry names and that passed.
        unforeseen: The failures that no valid entry covers.
    """

    def __init__(self, file: Path, entries: Sequence[Entry], ids: Iterable[str]) -> None:
        self.file = file
        self.entries = tuple(entries)
        self._matches = {entry: _matches(entry, known) for known in [list(ids)] for entry in entries}
        self.named: dict[str, list[Entry]] = {}
        for entry in entries:
            for case_id in dict.fromkeys(i for found in self._matches[entry].values() for i in found):
                self.named.setdefault(case_id, []).append(entry)
        self.passed: set[str] = set()
        self.unforeseen: list[Result] = []

    def names_of(self, entry: Entry, pattern: str) -> list[str]:
        """Return the ids of the corpora's cases that one pattern of an entry matches."""
        return self._matches[entry][pattern]

    def apply(self, result: Result, fails: bool) -> Result:
        """Return the result, marked where an entry covers it; ``fails`` says whether it would count as a failure."""
        if result.outcome == PASS:
            if result.id in self.named:
                self.passed.add(result.id)
            return result
        if not fails:
            return result
        for entry in self.named.get(result.id, ()):
            if entry.describes(result) and entry.fault is None:
                return dataclasses.replace(result, expected_failure=entry.excuse)
        self.unforeseen.append(result)
        return result

    def faults(self) -> Iterator[Incident]:
        """Yield what is wrong with the file: entries that are stale, unmatched, expired or without a reason."""
        for entry in self.entries:
            if entry.fault is not None:
                yield Incident(INCIDENT, f"{entry.where}: {entry.fault}")
            for pattern, found in self._matches[entry].items():
                if not found:
                    yield Incident(INCIDENT, f"{entry.where}: unmatched: no case has an id like {pattern!r}")
            stale = [case_id for case_id in self.names(entry) if case_id in self.passed]
            if stale:
                shown = ", ".join(stale[:SHOWN]) + (f" and {len(stale) - SHOWN} more" if len(stale) > SHOWN else "")
                verb = "passes" if len(stale) == 1 else "pass"
                text = f"{entry.where}: stale: {shown} {verb} now; take it out, or run with --update-expectations"
                yield Incident(INCIDENT, text, tuple(stale))

    def names(self, entry: Entry) -> list[str]:
        """Return the ids of the corpora's cases that an entry names."""
        return list(dict.fromkeys(i for found in self._matches[entry].values() for i in found))


def _matches(entry: Entry, ids: list[str]) -> dict[str, list[str]]:
    known = set(ids)
    found = {}
    for pattern in entry.ids:
        exact = not re.search(r"[*?\[]", pattern)
        found[pattern] = [pattern] * (pattern in known) if exact else [i for i in ids if fnmatchcase(i, pattern)]
    return found


def load(folder: Path, backend: str, ids: Iterable[str]) -> Expectations:
    """Read the expected failures of a backend; none where the folder has no file of its name.

    Raises:
        UsageError: The file cannot be read, is not TOML, or an entry has an unknown, missing or wrong member.
    """
    file = folder / f"{backend}.toml"
    try:
        text = file.read_text(encoding="utf-8")
    except FileNotFoundError:
        return Expectations(file, (), ids)
    except OSError as error:
        raise UsageError(f"expectations {file}: {error.strerror}") from None
    except UnicodeDecodeError:
        raise UsageError(f"expectations {file}: not UTF-8") from None
    return Expectations(file, read_entries(text, file), ids)


def read_entries(text: str, file: Path) -> list[Entry]:
    """Read the entries of an expectation file's text; raises UsageError as ``load``."""
    try:
        members = loads(text)
    except TOMLDecodeError as error:
        raise UsageError(f"expectations {file}: not TOML: {error}") from None
    tables = members.pop("expected", [])
    if members or not isinstance(tables, list) or not all(isinstance(table, dict) for table in tables):
        unknown = ", ".join(members) or "'expected' that is no list of tables"
        raise UsageError(f"expectations {file}: only [[expected]] tables are known, not {unknown}")
    lines = [number for number, line in enumerate(text.splitlines(), 1) if HEADER.match(line)]
    places = [f"{file}:{n}" for n in lines] if len(lines) == len(tables) else [str(file)] * len(tables)
    return [_entry(table, where) for table, where in zip(tables, places, strict=True)]


def _entry(table: dict[str, Any], where: str) -> Entry:
    def fault(text: str) -> UsageError:
        return UsageError(f"expectations {where}: {text}")

    for name in table:
        if name not in MEMBERS:
            raise fault(f"unknown member {name!r}; known: {', '.join(MEMBERS)}")
    for name in ("id", "outcome", "reason"):
        if name not in table:
            raise fault(f"{name!r} is missing")
    ids = [table["id"]] if isinstance(table["id"], str) else table["id"]
    if not isinstance(ids, list) or not ids or not all(isinstance(item, str) and item for item in ids):
        raise fault("'id' must be a shell pattern or a list of them")
    if table["outcome"] not in OUTCOMES:
        raise fault(f"'outcome' must be one of {', '.join(OUTCOMES)}, not {table['outcome']!r}")
    for name in ("code", "reason", "link"):
        if not isinstance(table.get(name, ""), str):
            raise fault(f"{name!r} must be a string")
    if bool(table.get("code")) != (table["outcome"] == FAIL):
        raise fault(
            '\'code\' says what is answered where \'outcome\' is "fail" (a rule\'s code, "accept", "*"), only there'
        )
    expires = table.get("expires")
    if isinstance(expires, datetime) or not isinstance(expires, date | None):
        raise fault("'expires' must be a date without quotes, as in 2027-06-30")
    words = {name: table.get(name, "") for name in ("code", "reason", "link")}
    return Entry(where, tuple(dict.fromkeys(ids)), table["outcome"], **words, expires=expires)
