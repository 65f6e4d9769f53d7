"""Runs disk_calls.c beside a backend: what the backend does to the disk, and its death at a chosen call."""

from __future__ import annotations

import functools
import hashlib
import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

SOURCE = Path(__file__).with_name("disk_calls.c")


@functools.cache
def program() -> Path:
    """Build the watcher once per state of its source, and return it."""
    digest = hashlib.sha256(SOURCE.read_bytes()).hexdigest()[:16]
    built = Path(tempfile.gettempdir()) / f"spikeparity-disk-calls-{os.getuid()}-{digest}"
    if not built.exists():
        compiler = shutil.which("cc")
        assert compiler, "the crash tests build a program: apt install gcc libc6-dev"
        unfinished = built.with_name(f"{built.name}.{os.getpid()}")
        subprocess.run([compiler, "-O2", "-o", str(unfinished), str(SOURCE)], check=True)
        unfinished.rename(built)
    return built


@dataclass(frozen=True)
class Call:
    """A system call that was carried out: `n` counts those that change the disk, 0 is none; see disk_calls.c."""

    n: int
    name: str
    path: str
    result: int
    more: dict[str, Any]

    @property
    def data(self) -> bytes:
        """What a write wrote."""
        return bytes.fromhex(self.more["data"])


class Watch:
    """A running watcher; `calls` once the watched process has ended."""

    def __init__(self, folder: Path, pid: int, log: Path, *order: object) -> None:
        self._log = log
        argv = [str(program()), str(folder), str(pid), str(log), *map(str, order)]
        self._child = subprocess.Popen(argv, stdout=subprocess.PIPE)
        assert self._child.stdout
        ready = self._child.stdout.readline()
        assert ready == b"ready\n", f"{argv} exited with {self._child.wait()}: is ptrace forbidden here?"

    def killed(self) -> bool:
        """Wait for the end of the watched process; tell whether the watcher killed it."""
        assert self._child.stdout
        code = self._child.wait()
        self._child.stdout.close()
        assert code in (0, 9), f"the watcher exited with {code}"
        return code == 9

    def end(self) -> None:
        """End the watcher, and what it still watches."""
        if self._child.poll() is None:
            self._child.kill()
            self._child.wait()

    def calls(self) -> list[Call]:
        """Return what was carried out."""
        rows = [json.loads(line) for line in self._log.read_text(encoding="utf-8").splitlines()]
        return [Call(row.pop("n"), row.pop("call"), row.pop("path", ""), row.pop("result"), row) for row in rows]


@contextmanager
def watching(folder: Path, pid: int, *order: object) -> Iterator[Watch]:
    """Attach to a process until it ends; `order` is nothing, `"kill", n`, `"tear", n` or `"fail", n, errno`."""
    with tempfile.TemporaryDirectory() as place:
        watch = Watch(folder, pid, Path(place) / "log", *order)
        try:
            yield watch
        finally:
            watch.end()
