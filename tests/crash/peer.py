"""A backend process that is asked one request at a time, and that somebody may kill in between."""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from conformance.manifest import built_in

LANGUAGES = ("python", "rust", "julia", "mojo")

_libc = ctypes.CDLL(None, use_errno=True)
_PR_SET_PDEATHSIG, _PR_SET_PTRACER, _PTRACER_ANY = 1, 0x59616D61, ctypes.c_ulong(-1)


class DiedError(Exception):
    """The backend ended instead of answering."""


class Peer:
    """A running backend: `ask` it, look at its `pid`, `close` or `kill` it; a context manager that closes.

    Attributes:
        pid: the process, also for tracers (any process may attach).
        root: the folder below which it reads.
        scratch: the folder below which it saves.
    """

    def __init__(self, pid: int, stdin: int, stdout: int, root: Path, scratch: Path) -> None:
        self.pid, self.root, self.scratch = pid, root, scratch
        self._stdin = os.fdopen(stdin, "wb", buffering=0)
        self._stdout = os.fdopen(stdout, "rb")
        self._asked = 0
        self._status: int | None = None
        self.hello = self._exchange({"cmd": "hello", "protocol": 1, "root": str(root), "scratch": str(scratch)})

    def _exchange(self, message: dict[str, Any]) -> dict[str, Any]:
        try:
            self._send(message)
            line = self._stdout.readline()
        except BrokenPipeError:
            line = b""
        if not line.endswith(b"\n"):
            raise DiedError(f"process {self.pid} ended instead of answering {str(message)[:200]}")
        answer: dict[str, Any] = json.loads(line)
        return answer

    def _send(self, message: dict[str, Any]) -> None:
        if self._stdin.closed:
            raise BrokenPipeError
        rest = memoryview(json.dumps(message).encode() + b"\n")
        while rest:
            rest = rest[self._stdin.write(rest) :]

    def look_below(self, root: Path) -> None:
        """Read below another folder from now on."""
        self.root = root
        self._send({"cmd": "root", "root": str(root)})

    def ask(self, op: str, **arguments: Any) -> dict[str, Any]:
        """Return the answer to a request, without its id.

        Raises:
            DiedError: The process ended first.
        """
        self._asked += 1
        answer = self._exchange({"cmd": "run", "id": str(self._asked), "op": op, "input": arguments})
        assert answer.pop("id") == str(self._asked), answer
        return answer

    def send(self, op: str, arguments: dict[str, Any]) -> str:
        """Send a request without waiting; returns its id. Few enough of them fit into a pipe."""
        self._asked += 1
        self._send({"cmd": "run", "id": str(self._asked), "op": op, "input": arguments})
        return str(self._asked)

    def receive(self) -> dict[str, Any]:
        """Return the next answer to what was sent, with its id.

        Raises:
            DiedError: The process ended first.
        """
        line = self._stdout.readline()
        if not line.endswith(b"\n"):
            raise DiedError(f"process {self.pid} ended instead of answering")
        answer: dict[str, Any] = json.loads(line)
        return answer

    def verdict(self, base: str) -> dict[str, Any]:
        """Load a pair; return the answer without what is never compared."""
        answer = self.ask("checkpoint.load", base=base)
        answer.pop("message", None)
        return answer

    @property
    def last_id(self) -> str:
        """The id of the latest request."""
        return str(self._asked)

    @property
    def dead(self) -> bool:
        """Whether the process has ended."""
        return (
            self._status is not None or os.waitid(os.P_PID, self.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None
        )

    def status(self) -> int:
        """Wait for its end and return its exit status (negative: the signal)."""
        return self._reap()

    def signal(self, number: int) -> None:
        """Send it a signal, where it is still there."""
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, number)

    def close(self) -> int:
        """Say goodbye and return the exit status of the process (negative: the signal that killed it)."""
        with contextlib.suppress(OSError):
            self._send({"cmd": "bye"})
        return self._reap()

    def kill(self) -> None:
        """End the process at once."""
        if self._status is None:
            self.signal(signal.SIGKILL)
        self._reap()

    def _reap(self) -> int:
        for stream in (self._stdin, self._stdout):
            with contextlib.suppress(OSError):
                stream.close()
        if self._status is None:
            _, status = os.waitpid(self.pid, 0)
            self._status = os.waitstatus_to_exitcode(status)
        return self._status

    def __enter__(self) -> Peer:
        return self

    def __exit__(self, kind: object, *rest: object) -> None:
        if kind is None:
            self.close()
        else:
            self.kill()


def let_anybody_trace() -> None:
    """Die with the parent, and let a process that is no ancestor attach (Yama forbids that by default); in a child."""
    _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    _libc.prctl(_PR_SET_PTRACER, _PTRACER_ANY)


def spawned(language: str, root: Path, scratch: Path | None = None, prepare: Callable[[], None] | None = None) -> Peer:
    """Start a built-in backend as the runner does; `prepare` is called in the child before it starts."""

    def before() -> None:
        let_anybody_trace()
        if prepare is not None:
            prepare()

    manifest = built_in()[language]
    launch = manifest.launch()
    environment = dict(os.environ)
    for name, value in launch.env.items():
        environment.pop(name, None)
        if value is not None:
            environment[name] = value
    child = subprocess.Popen(
        launch.argv,
        preexec_fn=before,
        cwd=manifest.folder,
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        bufsize=0,
    )
    assert child.stdin and child.stdout
    stdin, stdout = os.dup(child.stdin.fileno()), os.dup(child.stdout.fileno())
    child.stdin.close()
    child.stdout.close()
    child.returncode = 0  # Peer reaps it
    return Peer(child.pid, stdin, stdout, root, scratch or root)


def forked(language: str, root: Path, scratch: Path | None = None, prepare: Callable[[], None] | None = None) -> Peer:
    """Fork a backend of this process (python or rust), which is ready at once: for hundreds of short lives."""
    serve = _SERVERS[language]()
    child_in, our_out = os.pipe()
    our_in, child_out = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            signal.signal(signal.SIGINT, signal.SIG_DFL)
            let_anybody_trace()
            os.dup2(child_in, 0)
            os.dup2(child_out, 1)
            os.closerange(3, 256)
            if prepare is not None:
                prepare()
            serve()
            os._exit(0)
        finally:
            os._exit(70)
    os.close(child_in)
    os.close(child_out)
    return Peer(pid, our_out, our_in, root, scratch or root)


def _serve_python() -> Callable[[], None]:
    from spikeparity import backend, operations  # noqa: F401  (loaded before the fork)

    return lambda: backend.serve(0, os.fdopen(1, "wb"))


def _serve_rust() -> Callable[[], None]:
    from spikeparity import _rust

    return _rust.serve


_SERVERS = {"python": _serve_python, "rust": _serve_rust}


def started(language: str, root: Path, scratch: Path | None = None, prepare: Callable[[], None] | None = None) -> Peer:
    """Have a backend in the quickest way there is."""
    start = forked if language in _SERVERS and "spikeparity" in sys.modules else spawned
    return start(language, root, scratch, prepare)
