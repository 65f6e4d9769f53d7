"""Reads a report line by line, checking only what its readers rely on; a report that was cut is read up to the cut."""

from __future__ import annotations

import json
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Any

from conformance.backend_facts import BackendFacts
from conformance.divergence import Divergence
from conformance.errors import UsageError
from conformance.exit_codes import INTERRUPTED
from conformance.outcome import MEANINGS, PASS, Result
from conformance.report.jsonl import FORMAT
from conformance.session import Incident
from conformance.tally import Tally

Row = dict[str, Any]
_raw_decode = json.JSONDecoder().raw_decode  # json.loads looks for white space around; lines have none


class ReportReader:
    """A report on disk. Iterating yields its lines as objects, the header first; may be done more than once.

    Attributes:
        path: The file.
        header: Its first line.
        warning: Once all lines were read: why what came may not be all, or None.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.warning: str | None = None
        self.header = self._read_header()

    def _read_header(self) -> Row:
        rows = self._rows()
        try:
            header = next(rows, None)
        finally:
            rows.close()
        if header is None or header["type"] != "header":
            raise UsageError(f"report {self.path}: its first line is no header of a conformance report")
        if header.get("format") != FORMAT:
            raise UsageError(f"report {self.path}: format {header.get('format')!r}; this version reads format {FORMAT}")
        fault = _fault_of_header(header)
        if fault:
            raise UsageError(f"report {self.path}: the header's {fault}")
        return header

    def __iter__(self) -> Iterator[Row]:
        """Yield the lines.

        Raises:
            UsageError: The file cannot be read, or a result is not one.
        """
        ended = False
        for row in self._rows():
            if row["type"] == "result":
                self._check_result(row)
            elif row["type"] == "footer":
                ended = True
            yield row
        if not ended and self.warning is None:
            self.warning = f"report {self.path}: the last line is missing; the run did not get to its end"

    def _rows(self) -> Generator[Row, None, None]:
        """Yield the lines that are objects with a type, up to the first that is not."""
        number = 0
        try:
            # Only "\n" ends a line: other characters that Python takes for line ends may stand inside a JSON string.
            with self.path.open(encoding="utf-8", errors="surrogateescape", newline="\n") as file:
                for number, line in enumerate(file, 1):
                    row = _parse(line)
                    if row is None:
                        self.warning = f"report {self.path}: cut at line {number}; what came before is shown"
                        return
                    yield row
        except OSError as error:
            raise UsageError(f"report {self.path}: {error.strerror}") from None
        if number == 0:
            raise UsageError(f"report {self.path}: the file is empty")

    def _check_result(self, row: Row) -> None:
        try:
            known = row["outcome"] in MEANINGS
            named = type(row["backend"]) is type(row["id"]) is type(row["op"]) is str
        except (LookupError, TypeError):
            known = named = False
        if not (known and named):
            raise UsageError(f"report {self.path}: not a result: {json.dumps(row)[:200]}")


def _parse(line: str) -> Row | None:
    try:
        row, end = _raw_decode(line)
    except (ValueError, RecursionError):
        return None
    whole = line[end:] in ("\n", "\r\n")
    return row if whole and type(row) is dict and type(row.get("type")) is str else None


def _fault_of_header(header: Row) -> str | None:
    corpora = header.get("corpora")
    if not isinstance(corpora, list) or not all(
        isinstance(c, dict) and isinstance(c.get("sha256"), str) for c in corpora
    ):
        return "'corpora' is no list of corpora with their sha256"
    for name, kind in (("platform", dict), ("backends", list), ("argv", list)):
        if not isinstance(header.get(name), kind):
            return f"{name!r} is missing or of the wrong type"
    return None


class ReadRun:
    """A run as its report tells it.

    Attributes:
        reader: Where it was read.
        tally: Its account.
        rules: The lines of type ``rule``, by code.
        footer: The last line, or an empty object where the report was cut.
    """

    def __init__(self, path: Path) -> None:
        self.reader = ReportReader(path)
        self.tally = Tally({str(name): BackendFacts(str(name)) for name in self.reader.header["backends"]})
        self.rules: dict[str, Row] = {}
        self.footer: Row = {}
        for row in self.reader:
            try:
                self._take(row)
            except (LookupError, TypeError, ValueError) as error:
                said = f"{type(error).__name__}: {error}"
                raise UsageError(f"report {path}: a line of type {row['type']!r} has a fault: {said}") from None
        self.tally.interrupted = self.footer.get("exit_code", INTERRUPTED) == INTERRUPTED

    @property
    def seconds(self) -> float:
        """How long the run took; 0 where the report was cut."""
        return float(self.footer.get("seconds", 0.0))

    @property
    def selected(self) -> int:
        """How many cases were selected."""
        return int(self.reader.header.get("selected", 0))

    def _take(self, row: Row) -> None:
        kind = row["type"]
        if kind == "result":
            self._take_result(row)
        elif kind == "backend":
            self.tally.backends[str(row["name"])] = BackendFacts.from_row(row)
        elif kind == "rule":
            self.rules[str(row["code"])] = row
        elif kind == "incident":
            incident = Incident(str(row["kind"]), str(row["message"]), tuple(map(str, row["ids"])))
            self.tally.incidents[row["backend"]].append(incident)
        elif kind == "divergence":
            self.tally.divergences[row["backend"], row["id"]] = Divergence.from_row(row)
        elif kind == "footer":
            self.footer = row

    def _take_result(self, row: Row) -> None:
        if row["outcome"] == PASS:
            # Nearly all lines are these, and nothing of them is kept but the count.
            self.tally.counts[row["backend"]][row["op"]][PASS] += 1
            return
        if row["backend"] not in self.tally.backends:
            raise LookupError(f"no backend {row['backend']!r} was announced")
        self.tally.add(Result.from_row(row))
