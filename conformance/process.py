"""A backend's child process: lines out, lines in, standard error into a log; never blocks, never outlives its runner.

The child leads a session and process group of its own, so that Ctrl-C reaches only the runner and that killing the
group takes along whatever the child started (not what deliberately left the group).
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import select
import signal
import subprocess
import sys
import time
from pathlib import Path

from conformance.rules import limit
from conformance.toolchains import Launch

READ = 1 << 18
LOG_LIMIT = 8 << 20


_libc = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None
_PR_SET_PDEATHSIG = 1


def die_with_runner() -> None:
    """Ask the kernel to kill this child when the runner dies, whatever kills it; called in the child.

    Elsewhere than on Linux a child outlives a runner that is killed by SIGKILL until it next reads its input.
    """
    if _libc is not None:
        _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


class LineTooLongError(Exception):
    """The child wrote more than the protocol allows without a newline."""


class Log:
    """The child's standard error on disk, cut at ``LOG_LIMIT`` bytes so that a chatty backend cannot fill it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._room = LOG_LIMIT
        self._file = path.open("ab", buffering=0)

    def write(self, data: bytes) -> None:
        """Append what still fits; the first bytes that do not are replaced by a note."""
        if self._room > 0:
            with contextlib.suppress(OSError):  # a full disk costs the log, not the run
                self._file.write(data[: self._room])
                if len(data) > self._room:
                    self._file.write(b"\n[cut here: the log is full]\n")
            self._room -= len(data)

    def last_line(self) -> str:
        """Return the last line that says something, the likeliest reason of a death; empty where there is none."""
        size = self.path.stat().st_size
        with self.path.open("rb") as file:
            file.seek(max(0, size - 8192))
            lines = [line.strip() for line in file.read().decode("utf-8", "replace").splitlines() if line.strip()]
        return lines[-1] if lines else ""

    def close(self) -> None:
        """Close the file; the path stays readable."""
        self._file.close()


class BackendProcess:
    """One running child."""

    def __init__(self, launch: Launch, folder: Path, log: Log) -> None:
        environment = dict(os.environ)
        for name, value in launch.env.items():
            environment.pop(name, None)
            if value is not None:
                environment[name] = value
        pipe = subprocess.PIPE
        self._child = subprocess.Popen(
            launch.argv,
            preexec_fn=die_with_runner if _libc is not None else None,
            cwd=folder,
            env=environment,
            stdin=pipe,
            stdout=pipe,
            stderr=pipe,
            start_new_session=True,
            bufsize=0,
        )
        assert self._child.stdin and self._child.stdout and self._child.stderr
        self.stdin, self.stdout, self.stderr = self._child.stdin, self._child.stdout, self._child.stderr
        for stream in (self.stdin, self.stdout, self.stderr):
            os.set_blocking(stream.fileno(), False)
        self._log = log
        self._outgoing = bytearray()
        self._partial: list[bytes] = []
        self._partial_size = 0
        self._answer_limit = limit("answer_bytes")
        self.stderr_ended = False

    @property
    def pid(self) -> int:
        """The child's process id, also that of its group."""
        return self._child.pid

    @property
    def unsent(self) -> int:
        """Bytes that wait for the child to read."""
        return len(self._outgoing)

    def send(self, line: bytes) -> None:
        """Queue a line; ``pump`` writes it."""
        self._outgoing += line

    def pump(self) -> None:
        """Write as much as the pipe takes.

        Raises:
            BrokenPipeError: The child no longer reads.
        """
        while self._outgoing:
            try:
                written = os.write(self.stdin.fileno(), self._outgoing[:READ])
            except BlockingIOError:
                return
            del self._outgoing[:written]

    def read_lines(self) -> list[bytes] | None:
        """Return the complete lines that have arrived, or None at the end of the child's output.

        Raises:
            LineTooLongError: A line exceeds the protocol's limit; nothing beyond it was kept.
        """
        try:
            data = os.read(self.stdout.fileno(), READ)
        except BlockingIOError:
            return []
        if not data:
            return None
        head, *rest = data.split(b"\n")
        self._partial.append(head)
        self._partial_size += len(head)
        if self._partial_size > self._answer_limit:
            raise LineTooLongError
        if not rest:
            return []
        lines = [b"".join(self._partial), *rest[:-1]]
        self._partial, self._partial_size = [rest[-1]], len(rest[-1])
        return lines

    def has_output(self) -> bool:
        """Tell whether something (the end included) can be read at once."""
        return bool(select.select([self.stdout], [], [], 0)[0])

    @property
    def partial(self) -> bytes:
        """The beginning of an unfinished line (at most 200 bytes): what a dying child still said."""
        return b"".join(self._partial)[:200]

    def drain_stderr(self) -> bool:
        """Move what the child has said on standard error into the log; tells whether there was anything."""
        try:
            data = os.read(self.stderr.fileno(), READ)
        except BlockingIOError:
            return False
        self._log.write(data)
        self.stderr_ended = not data
        return bool(data)

    def close_stdin(self) -> None:
        """Let the child see the end of its input."""
        with contextlib.suppress(OSError):
            self.stdin.close()

    def exit_status(self, patience: float = 0.0) -> int | None:
        """Return the exit status (negative: the signal), waiting up to ``patience`` seconds; None while it runs."""
        end = time.monotonic() + patience
        while (status := self._child.poll()) is None and time.monotonic() < end:
            time.sleep(0.005)
        return status

    def kill(self) -> None:
        """End the child and its whole process group, reap it, and save the rest of its standard error."""
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._child.pid, signal.SIGKILL)
        self._child.wait()
        while self.drain_stderr():
            pass
        for stream in (self.stdin, self.stdout, self.stderr):
            with contextlib.suppress(OSError):
                stream.close()


def describe_exit(status: int | None) -> str:
    """Say in words how a child ended."""
    if status is None:
        return "closed its output but is still running"
    if status >= 0:
        return f"exited with code {status}"
    try:
        return f"was killed by {signal.Signals(-status).name}"
    except ValueError:
        return f"was killed by signal {-status}"
