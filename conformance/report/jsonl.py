"""The report: one JSON object per line, written as things happen, so that whatever ends a run leaves what was finished.

The lines are described by spec/report.schema.json.
"""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import platform
import sys
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timezone
from pathlib import Path
from typing import IO, Any

from conformance.backend_facts import BackendFacts
from conformance.corpora import Corpus
from conformance.coverage import Coverage
from conformance.divergence import Divergence
from conformance.errors import UsageError
from conformance.outcome import PASS, Result
from conformance.report.repeat import command, with_case
from conformance.session import PROTOCOL, Incident, Session

FORMAT = 1


class Report:
    """Writes a report. A full disk ends the report and not the run; ``fault`` then says what happened.

    Attributes:
        path: The file.
        fault: Why the report is incomplete, or None.
    """

    def __init__(self, path: Path) -> None:
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._file: IO[str] = path.open("w", encoding="utf-8", errors="backslashreplace")
        except OSError as error:
            raise UsageError(f"report {path}: {error.strerror}") from None
        self.path = path
        self.fault: str | None = None
        self._roots: list[Path] = []
        self._repeat: dict[str, str] = {}

    def header(self, corpora: Sequence[Corpus], selected: int, argv: Sequence[str], backends: Sequence[str]) -> None:
        """Say what is run where; ``backends`` in the order shown."""
        self._roots = [corpus.root for corpus in corpora]
        self._write(
            "header",
            format=FORMAT,
            protocol=PROTOCOL,
            tool=tool_version(),
            started=_now(),
            argv=list(argv),
            platform=platform_facts(),
            corpora=[{"root": str(c.root), "sha256": c.sha256, "cases": len(c.cases)} for c in corpora],
            selected=selected,
            backends=list(backends),
        )

    def rules(self, rows: Iterable[Coverage]) -> None:
        """Name, for every rule that the run touches, its selected cases."""
        for row in rows:
            if row.rejects or row.near_misses:
                cases = {"rejects": row.rejects, "near_misses": row.near_misses}
                self._write("rule", code=row.rule.code, statement=row.rule.statement, **cases)

    def backend(self, session: Session, required: bool) -> BackendFacts:
        """Say what a backend is, or why it is not there; returns the facts as a reader of the report gets them."""
        row = backend_row(session, required, self._roots)
        self._repeat[session.name] = row["repeat"]
        self._write("backend", **row)
        return BackendFacts.from_row(row)

    def result(self, result: Result) -> None:
        """Write the outcome of a case; for a pass no more than that."""
        row = result.row()
        if result.outcome != PASS:
            row["repeat"] = with_case(self._repeat[result.backend], result.id)
        self._write("result", **row)

    def incident(self, backend: str, incident: Incident) -> None:
        """Write what no case can be blamed for."""
        self._write("incident", backend=backend, kind=incident.kind, message=incident.message, ids=list(incident.ids))

    def divergence(self, backend: str, case_id: str, divergence: Divergence) -> None:
        """Write where a failed simulation first went wrong."""
        self._write("divergence", backend=backend, id=case_id, **dataclasses.asdict(divergence), ulps=divergence.ulps)

    def footer(
        self, conforms: bool, exit_code: int, seconds: float, counts: dict[str, dict[str, dict[str, int]]]
    ) -> None:
        """Close the account; a report without this line was cut short."""
        took = round(seconds, 3)
        self._write("footer", ended=_now(), conforms=conforms, exit_code=exit_code, seconds=took, counts=counts)
        self.close()

    def copy(self, row: dict[str, Any]) -> None:
        """Write a line as it stands, ``type`` included: one that was read from another report."""
        members = dict(row)
        self._write(members.pop("type"), **members)

    def flush(self) -> None:
        """Hand what was written to the operating system."""
        with self._noting_faults():
            self._file.flush()

    def close(self) -> None:
        """Close the file."""
        with self._noting_faults():
            self._file.close()

    @contextlib.contextmanager
    def _noting_faults(self) -> Iterator[None]:
        try:
            yield
        except (OSError, ValueError) as error:
            # A ValueError is the closed file of an earlier fault: what is buffered would fail again at every flush.
            if self.fault is None:
                self.fault = (error.strerror if isinstance(error, OSError) else None) or str(error)
                with contextlib.suppress(OSError):
                    self._file.close()

    def _write(self, line_type: str, **members: Any) -> None:
        line = json.dumps({"type": line_type, **members}, ensure_ascii=False, separators=(",", ":")) + "\n"
        with self._noting_faults():
            self._file.write(line)
        # Results come by the thousand and share a flush per turn of the event loop; what is rare goes out at once.
        if line_type != "result":
            self.flush()


def backend_row(session: Session, required: bool, roots: Iterable[Path]) -> dict[str, Any]:
    """Return the members of a backend's line; ``roots`` are the folders of the corpora that it is asked."""
    due = {"complete": session.manifest.complete, "required": required}
    return backend_facts(session) | due | {"repeat": command(session.manifest, roots)}


def backend_facts(session: Session) -> dict[str, Any]:
    """Return what is known of a backend: identity, command, versions, operations, or why it is not there."""
    hello = session.hello or {}
    facts: dict[str, Any] = {"name": session.name, "language": hello.get("language", session.manifest.language)}
    if session.unavailable is not None:
        return facts | {
            "status": "unavailable",
            "reason": session.unavailable.reason,
            "hint": session.unavailable.hint,
        }
    facts |= {"argv": session.launched.argv if session.launched else [], "log": str(session.log.path)}
    if session.broken is not None:
        return facts | {"status": "broken", "reason": session.broken}
    return facts | {
        "status": "available",
        "version": hello.get("version", ""),
        "versions": versions_of(session),
        "ops": hello.get("ops", []),
        "profiles": hello.get("profiles", []),
    }


def versions_of(session: Session) -> dict[str, str]:
    """Return the versions that launch and hello name, tool → version."""
    usual = {"protocol", "name", "version", "language", "ops", "codes", "profiles"}
    told = {key: str(value) for key, value in (session.hello or {}).items() if key not in usual}
    return {**(session.launched.versions if session.launched else {}), **told}


def tool_version() -> str:
    """Return the harness's own name and version."""
    from importlib.metadata import PackageNotFoundError, version

    try:
        return f"spikeparity {version('spikeparity')}"
    except PackageNotFoundError:
        return "spikeparity (not installed)"


def platform_facts() -> dict[str, Any]:
    """Return what the machine is."""
    return {
        "system": platform.system(),
        "release": platform.release(),
        "machine": platform.machine(),
        "python": f"{platform.python_implementation()} {sys.version.split()[0]}",
        "cpus": os.cpu_count(),
    }


def _now() -> str:
    return datetime.now(timezone.utc).isoformat(timespec="seconds")
