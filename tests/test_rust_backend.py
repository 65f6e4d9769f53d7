"""The Rust backend as a process: what it loads, when it answers, how it ends."""

from __future__ import annotations

import json
import signal
import subprocess
import sys

import pytest

ARGV = [sys.executable, "-m", "spikeparity.rust_backend"]
TRIVIAL = b'{"cmd":"run","id":"a","op":"json.parse","input":{"text":"1"}}\n'
ANSWER = b'{"id":"a","verdict":"accept","output":{"value":{"i":"1"}}}\n'


@pytest.fixture
def backend():
    process = subprocess.Popen(ARGV, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, bufsize=0)
    yield process
    process.kill()
    process.communicate()


def ask(process, line):
    process.stdin.write(line)
    return process.stdout.readline()


def test_hello_names_the_backend(backend):
    hello = json.loads(ask(backend, b'{"cmd":"hello","protocol":1,"root":"/corpus","scratch":"/tmp"}\n'))
    assert (hello["protocol"], hello["name"], hello["language"]) == (1, "rust", "Rust")
    assert hello["profiles"] == ["sequential-f64", "sequential-f32"]
    assert len(hello["ops"]) == 12


def test_an_answer_comes_before_the_next_request(backend):
    for _ in range(3):
        assert ask(backend, TRIVIAL) == ANSWER


@pytest.mark.parametrize("end", [b'{"cmd":"bye"}\n', b""])
def test_bye_and_the_end_of_input_end_the_process(end):
    done = subprocess.run(ARGV, input=TRIVIAL + end, capture_output=True, timeout=10, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, ANSWER, b"")


def test_neither_numpy_nor_the_reference_is_loaded():
    done = subprocess.run([sys.executable, "-X", "importtime", *ARGV[1:]], input=b"", capture_output=True, check=True)
    loaded = {line.rpartition("|")[2].strip() for line in done.stderr.decode().splitlines()}
    assert "spikeparity._rust" in loaded
    assert not {name for name in loaded if name.split(".")[0] in {"numpy", "conformance"}}
    assert {name for name in loaded if name.startswith("spikeparity.")} == {"spikeparity._rust"}


def test_ctrl_c_ends_a_backend_that_waits(backend):
    assert ask(backend, TRIVIAL) == ANSWER
    backend.send_signal(signal.SIGINT)
    assert backend.wait(timeout=5) == -signal.SIGINT


def test_ctrl_c_ends_a_backend_that_computes(backend):
    assert ask(backend, TRIVIAL) == ANSWER
    network = {"layers": [{"weights": [[0.5] * 999] * 99, "neuron": {"model": "if", "threshold": 1e9}}]}
    poisson = {"kind": "poisson", "rates": [0.5] * 999, "seed": 1}
    request = {"network": network, "steps": 1048576, "input": poisson}
    backend.stdin.write(json.dumps({"cmd": "run", "id": "b", "op": "simulate", "input": request}).encode() + b"\n")
    with pytest.raises(subprocess.TimeoutExpired):
        backend.wait(timeout=0.5)
    backend.send_signal(signal.SIGINT)
    assert backend.wait(timeout=5) == -signal.SIGINT
