"""The backend process of the reference: reads requests, writes answers (protocol.md). `python -m spikeparity.backend`.

The operations themselves, and NumPy with them, are loaded at the first request that needs them.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Iterator
from typing import Any

from spikeparity import __version__, rules
from spikeparity.files import FOLDERS

CHUNK = 1 << 16

# A slow request must not hold back the answers before it: after this many seconds they are flushed all the same.
PATIENCE = 0.05


def main() -> None:
    """Answer the requests on standard input until `bye` or the end of input."""
    answers = os.fdopen(os.dup(1), "wb", buffering=1 << 20)
    os.dup2(2, 1)  # whatever else prints, prints to standard error
    serve(0, answers)


def serve(source: int, answers: Any) -> None:
    """Answer the lines that come from a file descriptor; flush whenever no complete line is left to answer."""
    for lines in batches(source):
        flushed = time.monotonic()
        for line in lines:
            request, reply = answer_line(line)
            if reply is not None:
                answers.write(json.dumps(reply, separators=(",", ":")).encode("ascii") + b"\n")
            if request.get("cmd") == "bye":
                answers.flush()
                return
            if time.monotonic() - flushed > PATIENCE:
                answers.flush()
                flushed = time.monotonic()
        answers.flush()


def batches(source: int) -> Iterator[list[bytes]]:
    """Give the lines as they come: those that are complete after each read, the unfinished last one at the end."""
    unfinished: list[bytes] = []
    while chunk := os.read(source, CHUNK):
        complete, newline, rest = chunk.rpartition(b"\n")
        if newline:
            yield b"".join([*unfinished, complete]).split(b"\n")
            unfinished = []
        unfinished.append(rest)
    last = b"".join(unfinished)
    if last:
        yield [last]


def answer_line(line: bytes) -> tuple[dict[str, Any], dict[str, Any] | None]:
    """Return the request of a line and its answer, None where none is due. A failure of our own is an answer too."""
    request: dict[str, Any] = {}
    try:
        request = json.loads(line)
        return request, answer(request)
    except Exception as error:  # one bad request must not end the process
        identity = request.get("id", "") if isinstance(request, dict) else ""
        return {}, {"id": identity, "verdict": "error", "message": f"{type(error).__name__}: {error}"}


def answer(request: dict[str, Any]) -> dict[str, Any] | None:
    """Return the answer to a request, None where none is due."""
    match request["cmd"]:
        case "hello":
            FOLDERS.root, FOLDERS.scratch = request.get("root", "."), request.get("scratch", ".")
            return hello()
        case "run":
            from spikeparity import operations

            return operations.run(request["id"], request["op"], request["input"])
        case "root":
            FOLDERS.root = request["root"]
            return None
        case "bye":
            return None
        case command:
            raise ValueError(f"unknown command {command!r}")


def hello() -> dict[str, Any]:
    """Introduce the backend."""
    return {
        "protocol": 1,
        "name": "python",
        "version": __version__,
        "language": "Python",
        "ops": list(rules.OPERATIONS),
        "codes": rules.codes(),
        "profiles": list(rules.PROFILES),
        "python": ".".join(map(str, sys.version_info[:3])),
    }


if __name__ == "__main__":
    main()
