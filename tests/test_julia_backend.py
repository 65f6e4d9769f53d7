"""The loop of the juliacall transport, with a Python function in Julia's place: lines, flushes, ends, stray prints."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from spikeparity import julia_backend

# A module of this name on the path plays juliacall: Main.seval gives what load() asks for, and prints as Julia may.
JULIACALL = """
import os
ended = []
def handle_line(line):
    if line == "bye":
        ended.append(True)
        return ""
    if line == "silent":
        return ""
    os.write(1, b"stray")
    return line.upper()
class Main:
    @staticmethod
    def seval(code):
        print("stray")
        os.set_blocking(0, False)
        return {
            "folder -> pushfirst!(LOAD_PATH, folder)": lambda folder: None,
            "import SpikeParity": None,
            "SpikeParity.handle_line": handle_line,
            "() -> SpikeParity.SESSION.ended": lambda: bool(ended),
        }[code]
"""


class Conversation:
    """A loop in a thread, a pipe to it and one from it."""

    def __init__(self, answer_time: float = 0.0) -> None:
        self.source, self.to = os.pipe()
        self.answers, self.target = os.pipe()
        self.ended = False
        self.answer_time = answer_time
        self.thread = threading.Thread(target=self._serve)
        self.thread.start()

    def _serve(self) -> None:
        julia_backend.serve(self._answer, lambda: self.ended, self.source, self.target)
        os.close(self.target)

    def _answer(self, line: str) -> str:
        time.sleep(self.answer_time)
        self.ended = line == "bye"
        return "" if line in ("bye", "silent") else line.upper()

    def send(self, text: str) -> None:
        os.write(self.to, text.encode())

    def end(self) -> str:
        os.close(self.to)
        rest = b""
        while chunk := os.read(self.answers, 1 << 16):
            rest += chunk
        self.thread.join()
        return rest.decode()


@pytest.fixture
def conversation() -> Iterator[Conversation]:
    talk = Conversation()
    yield talk
    assert not talk.thread.is_alive()


def test_lines_are_answered_in_order_and_some_not_at_all(conversation: Conversation) -> None:
    conversation.send("a\nsilent\nä\n")
    assert conversation.end() == "A\nÄ\n"


def test_a_line_is_answered_before_the_next_one_is_whole(conversation: Conversation) -> None:
    conversation.send("a\nb")
    assert os.read(conversation.answers, 100) == b"A\n"
    conversation.send("c\n")
    assert os.read(conversation.answers, 100) == b"BC\n"
    assert conversation.end() == ""


def test_a_last_line_without_an_end_is_answered(conversation: Conversation) -> None:
    conversation.send("a")
    assert conversation.end() == "A\n"


def test_nothing_is_answered_after_bye(conversation: Conversation) -> None:
    conversation.send("a\nbye\nb\nc")
    assert conversation.end() == "A\n"


def send_all(target: int, data: bytes) -> None:
    while data:
        data = data[os.write(target, data) :]


def test_a_line_longer_than_a_pipe_holds_comes_through_whole(conversation: Conversation) -> None:
    text = "x" * 1_000_000 + "\n"
    sender = threading.Thread(target=send_all, args=(conversation.to, text.encode()))
    sender.start()
    received = b""
    while not received.endswith(b"\n"):
        received += os.read(conversation.answers, 1 << 16)
    sender.join()
    assert received.decode() == text.upper()
    assert conversation.end() == ""


def test_slow_answers_are_not_held_back_by_requests_at_hand() -> None:
    slow = Conversation(answer_time=0.05)
    slow.send("a\nb\nc\n")
    assert os.read(slow.answers, 100) == b"A\n"
    assert slow.end() == "B\nC\n"


def start(path: Path, requests: str) -> subprocess.CompletedProcess[str]:
    package = Path(julia_backend.__file__).parents[1]
    environment = os.environ | {"PYTHONPATH": f"{path}{os.pathsep}{package}"}
    words = [sys.executable, "-m", "spikeparity.julia_backend"]
    return subprocess.run(words, env=environment, input=requests, capture_output=True, text=True)


def test_what_julia_prints_goes_to_standard_error(tmp_path: Path) -> None:
    (tmp_path / "juliacall.py").write_text(JULIACALL)
    done = start(tmp_path, "a\nb\nbye\nc\n")
    assert (done.returncode, done.stdout) == (0, "A\nB\n")
    assert "stray" in done.stderr


def test_without_a_julia_the_exit_code_is_3_and_the_reason_one_line(tmp_path: Path) -> None:
    (tmp_path / "juliacall.py").write_text("raise OSError('libjulia.so: no such file')")
    done = start(tmp_path, "a\n")
    assert (done.returncode, done.stdout) == (3, "")
    assert done.stderr == "juliacall does not start Julia: OSError: libjulia.so: no such file\n"
