"""A case: a request together with its due answer, one JSON file each."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from conformance.errors import UsageError

LINT_SAYS_MORE = "python -m conformance lint says more"
ANY_JSON_CODE = "json.*"
"""The code of a text with several JSON faults: any code of stage json will do."""


def canonical(value: Any) -> bytes:
    """Return the JSON text that two equal values share; integers and floats stay apart (``2`` is not ``2.0``)."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True).encode("ascii")


def digest(output: Any) -> str:
    """Return the SHA-256 (hex) by which a case states a large output."""
    return hashlib.sha256(canonical(output)).hexdigest()


@dataclass(frozen=True)
class Case:
    """One case of a corpus.

    Attributes:
        id: Permanent name, the stem of the file.
        op: The operation that is asked.
        rules: The codes at fault, or for an accepted case those of the rules that it nearly breaks.
        why: What a port would get wrong, one sentence.
        source: Where the expectation comes from: ``oracle`` or a publication.
        tags: Words to select cases by.
        input: The request's input.
        expect: The due answer: verdict with ``output`` or its ``sha256``, or with ``code`` and ``path``.
        repair: For a reject, the JSON Patch (RFC 6902) on ``input`` that makes it valid; under the tag ``precedence`` a
            list of patches, each exposing the next due verdict.
        file: Where the case was read.
    """

    id: str
    op: str
    rules: tuple[str, ...]
    why: str
    source: str
    tags: tuple[str, ...]
    input: dict[str, Any]
    expect: dict[str, Any]
    repair: list[Any] | None = None
    file: Path = field(default=Path("-"), compare=False)

    @cached_property
    def due_output(self) -> bytes | str | None:
        """What the output of an accept must be: its canonical text, or the hex digest of that, or None for a reject."""
        if self.expect["verdict"] != "accept":
            return None
        sha256 = self.expect.get("sha256")
        return sha256 if isinstance(sha256, str) else canonical(self.expect["output"])

    def request(self, request_id: str) -> bytes:
        """Return the protocol line that asks this case."""
        message = {"cmd": "run", "id": request_id, "op": self.op, "input": self.input}
        return json.dumps(message, separators=(",", ":"), ensure_ascii=False).encode("utf-8") + b"\n"


def read_case(file: Path) -> Case:
    """Read a case file.

    Raises:
        UsageError: The file cannot be read or is not a case; the message names the file and the fault.
    """
    try:
        return parse_case(file.read_bytes(), file)
    except OSError as error:
        raise UsageError(f"{file}: {error.strerror}") from None


def parse_case(text: bytes, file: Path) -> Case:
    """Make a case of the text of a case file; raises UsageError as ``read_case``."""
    try:
        members = json.loads(text)
    except ValueError as error:
        raise UsageError(f"{file}: not JSON: {error}") from None
    except RecursionError:
        raise UsageError(f"{file}: nested too deeply; what is deep travels as text or base64") from None
    return case_of(members, file)


def case_of(members: Any, file: Path) -> Case:
    """Make a case of the members of a case file; checks only what the runner relies on, lint checks all."""
    if not isinstance(members, dict):
        raise UsageError(f"{file}: a case is a JSON object")
    for name, kind in (("id", str), ("op", str), ("input", dict), ("expect", dict)):
        if not isinstance(members.get(name), kind):
            raise UsageError(f"{file}: {name!r} is missing or of the wrong type ({LINT_SAYS_MORE})")
    expect = members["expect"]
    if not _states_a_verdict(expect):
        raise UsageError(f"{file}: 'expect' states no verdict ({LINT_SAYS_MORE})")
    return Case(
        id=members["id"],
        op=members["op"],
        rules=tuple(members.get("rules", ())),
        why=str(members.get("why", "")),
        source=str(members.get("source", "")),
        tags=tuple(members.get("tags", ())),
        input=members["input"],
        expect=expect,
        repair=members.get("repair"),
        file=file,
    )


def _states_a_verdict(expect: dict[str, Any]) -> bool:
    if expect.get("verdict") == "accept":
        return isinstance(expect.get("output"), dict) or isinstance(expect.get("sha256"), str)
    return expect.get("verdict") == "reject" and isinstance(expect.get("code"), str)
