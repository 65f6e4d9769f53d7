"""The backend process of the reference: `python -m spikeparity.backend` on pipes."""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from spikeparity import rules

ENVIRONMENT = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[1] / "python")}
HELLO = {"cmd": "hello", "protocol": 1, "root": "/", "scratch": "/tmp"}


def run(op: str, identity: str = "a", **request: Any) -> dict[str, Any]:
    return {"cmd": "run", "id": identity, "op": op, "input": request}


def converse(*requests: Any, program: tuple[str, ...] = ("-m", "spikeparity.backend")) -> list[Any]:
    """Send requests at once, raw bytes as they are, and return the answers to them."""
    lines = [request if isinstance(request, bytes) else json.dumps(request).encode() + b"\n" for request in requests]
    process = subprocess.run(
        [sys.executable, *program],
        input=b"".join(lines),
        stdout=subprocess.PIPE,
        env=ENVIRONMENT,
        timeout=60,
        check=True,
    )
    return [json.loads(line) for line in process.stdout.splitlines()]


@pytest.fixture
def backend() -> Iterator[subprocess.Popen[bytes]]:
    command = [sys.executable, "-m", "spikeparity.backend"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=ENVIRONMENT) as process:
        yield process
        process.kill()


def ask(backend: subprocess.Popen[bytes], request: Any, then: bytes = b"") -> Any:
    """Send one request, and bytes after it, and wait for the answer while the input stays open."""
    assert backend.stdin is not None
    assert backend.stdout is not None
    backend.stdin.write(json.dumps(request).encode() + b"\n" + then)
    backend.stdin.flush()
    return json.loads(backend.stdout.readline())


def test_hello_introduces_the_backend() -> None:
    (answer,) = converse(HELLO)
    assert (answer["protocol"], answer["name"], answer["language"]) == (1, "python", "Python")
    assert answer["ops"] == list(rules.OPERATIONS)
    assert answer["codes"] == rules.codes()
    assert answer["profiles"] == ["sequential-f64", "sequential-f32"]


def test_hello_is_answered_before_numpy_is_loaded() -> None:
    program = "import sys, spikeparity.backend as b; b.answer({'cmd': 'hello'}); sys.exit('numpy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], env=ENVIRONMENT, check=False).returncode == 0


def test_importing_the_package_does_not_load_numpy_but_its_names_are_there() -> None:
    program = (
        "import sys, spikeparity; assert 'numpy' not in sys.modules; assert 'simulate' in dir(spikeparity);"
        "from spikeparity import RejectedError, SNNCheckpoint, poisson_spikes; assert 'numpy' in sys.modules"
    )
    subprocess.run([sys.executable, "-c", program], env=ENVIRONMENT, check=True)


def test_the_conversation_of_the_protocol() -> None:
    text = (Path(__file__).parents[1] / "conformance/spec/protocol.md").read_text(encoding="utf-8")
    lines = [line for line in text.splitlines() if line[:2] in ("→ ", "← ")]
    requests = [json.loads(line[2:]) for line in lines if line[0] == "→"]
    due = [json.loads(line[2:]) for line in lines if line[0] == "←"]
    answers = converse(*requests)
    assert [answer.get("id") for answer in answers] == [None, "a", "b"]
    assert answers[1] == due[1]
    assert {**answers[2], "message": ""} == {**due[2], "message": ""}


def test_an_answer_comes_while_the_input_stays_open(backend: subprocess.Popen[bytes]) -> None:
    for identity in "xyz":
        assert ask(backend, run("json.parse", identity, text="1"))["id"] == identity


def test_an_answer_does_not_wait_for_the_rest_of_the_next_line(backend: subprocess.Popen[bytes]) -> None:
    assert ask(backend, run("json.parse", text="1"), then=b'{"cmd":')["verdict"] == "accept"


def test_bye_and_the_end_of_input_end_the_process(backend: subprocess.Popen[bytes]) -> None:
    assert backend.stdin is not None
    backend.stdin.write(b'{"cmd":"root","root":"/"}\n{"cmd":"bye"}\n')
    backend.stdin.flush()
    assert backend.wait(timeout=30) == 0


def test_the_last_line_needs_no_newline() -> None:
    (answer,) = converse(json.dumps(run("json.parse", text="1")).encode())
    assert answer["output"] == {"value": {"i": "1"}}


def test_a_line_longer_than_a_read_is_one_request() -> None:
    text = json.dumps(["x" * 1000] * 1000)
    (answer, second) = converse(run("json.parse", "long", text=text), run("json.parse", "next", text="1"))
    assert len(answer["output"]["value"]["a"]) == 1000
    assert second["id"] == "next"


def test_places_start_at_the_root_that_was_named_last_and_failures_of_the_system_are_errors(tmp_path: Path) -> None:
    for name in ("first", "second", "scratch"):
        (tmp_path / name).mkdir()
    inline = {"weights": [[[1.0]]], "layer_names": ["a"], "layer_sizes": [[1, 1]]}
    os.mkfifo(tmp_path / "first" / "fifo.json")
    load = run("checkpoint.load", base="p")
    answers = converse(
        {**HELLO, "root": str(tmp_path / "first"), "scratch": str(tmp_path / "second")},
        run("checkpoint.save", base="p", checkpoint=inline),
        load,
        run("checkpoint.load", base="fifo"),
        {"cmd": "root", "root": str(tmp_path / "second")},
        load,
    )
    assert [answer.get("verdict") for answer in answers] == [None, "accept", "reject", "error", "accept"]
    assert answers[2]["code"] == "checkpoint.sidecar-missing"
    assert "FIFO" in answers[3]["message"]
    assert answers[4] == answers[1]


def test_what_prints_does_not_reach_the_answers() -> None:
    program = (
        "import os, spikeparity.backend as b; h = b.hello; b.hello = lambda: (print('x'), os.write(1, b'y'), h())[2]"
    )
    (answer,) = converse(HELLO, program=("-c", program + "; b.main()"))
    assert answer["name"] == "python"


def test_a_failure_of_the_backend_is_an_answer_and_not_its_end() -> None:
    first, second, third = converse(
        run("config.validate", "broken"), b"[]\n", run("config.validate", "next", text="{}")
    )
    assert (first["id"], first["verdict"]) == ("broken", "error")
    assert second["verdict"] == "error"
    assert (third["id"], third["verdict"]) == ("next", "accept")


def test_unknown_operations_and_profiles_are_unsupported() -> None:
    network = {"layers": [{"weights": [[1]], "neuron": {"model": "if", "threshold": 1}}]}
    request = {"network": network, "steps": 1, "input": {"kind": "constant", "values": [1]}}
    answers = converse(run("fly"), run("simulate", profile="f8", **request), run("simulate", **request))
    assert [answer["verdict"] for answer in answers] == ["unsupported", "unsupported", "accept"]


@pytest.mark.parametrize("carrier", ["document", "text", "base64"])
def test_a_document_may_come_as_a_value_a_text_or_bytes(carrier: str) -> None:
    value = {"lr_head": 0.5}
    text = json.dumps(value)
    carried = {"document": value, "text": text, "base64": base64.b64encode(text.encode()).decode()}[carrier]
    (answer,) = converse(run("config.validate", **{carrier: carried}))
    assert answer["output"] == {"freeze_until": -1, "lr_backbone": "0" * 16, "lr_head": "3fe0000000000000"}


def test_null_is_a_wrong_value_not_an_absent_one() -> None:
    checkpoint = {"weights": [], "layer_names": [], "layer_sizes": []}
    requests = [
        run("transfer.freeze", checkpoint=checkpoint, layer_names=None),
        run("transfer.freeze", checkpoint=checkpoint, until_index=None),
        run("transfer.unfreeze", checkpoint=checkpoint, all_layers=None),
        run("checkpoint.validate", document={**checkpoint, "metadata": None}),
        run("config.validate", document={"freeze_until": None}),
        run("encode.poisson", rates=[1], seed=1, steps=1, sample=None),
    ]
    assert [answer["code"] for answer in converse(*requests)] == [
        "transfer.layer-names-type",
        "transfer.until-index-type",
        "transfer.all-layers-type",
        "checkpoint.metadata-type",
        "config.freeze-until-type",
        "input.sample",
    ]


def test_a_batch_has_a_leading_axis_of_samples_in_every_item() -> None:
    layer = {"weights": [[0.75]], "neuron": {"model": "if", "threshold": 1}}
    request = {"network": {"layers": [layer, layer]}, "steps": 2, "record": ["counts", "spikes", "potential", "trace"]}
    answers = converse(
        *(run("simulate", **request, input={"kind": "constant", "values": v}) for v in ([1.0], [2.0], [[1.0], [2.0]]))
    )
    first, second, batch = (answer["output"] for answer in answers)
    assert batch == {item: [first[item], second[item]] for item in first}


def test_potentials_of_binary32_have_eight_digits() -> None:
    layer = {"weights": [[0.1]], "neuron": {"model": "if", "threshold": 1}}
    request = {"network": {"layers": [layer]}, "steps": 1, "record": ["potential", "trace"]}
    request["input"] = {"kind": "constant", "values": [[1.0], [-0.0]]}
    single, double, refused = converse(
        run("simulate", **request, profile="sequential-f32"),
        run("simulate", **request, profile="sequential-f64"),
        run("simulate", **request | {"network": {"layers": [layer | {"bias": [1e39]}]}}, profile="sequential-f32"),
    )
    assert single["output"]["potential"] == [[["3dcccccd"]], [["00000000"]]]
    assert single["output"]["trace"][0] == [[{"before": ["3dcccccd"], "after": ["3dcccccd"]}]]
    assert double["output"]["potential"] == [[["3fb999999999999a"]], [["0000000000000000"]]]
    assert (refused["code"], refused["path"]) == ("network.bias-finite", "/network/layers/0/bias/0")


def test_the_operations_of_conversion() -> None:
    layers = [{"weights": [[1, -0.0]], "bias": [3]}, {"weights": []}]
    scaled, unscaled, stepped, unstepped = converse(
        run("convert.normalize", layers=layers, scales=[2, 4]),
        run("convert.normalize", layers=layers, scales=[2]),
        run("activation.qcfs", x=[0.5, -1, 1e308], theta=1, T=3),
        run("activation.qcfs", x=[0.5, "NaN"], theta=1, T=3),
    )
    first = {"weights": [["3fe0000000000000", "8000000000000000"]], "bias": ["3ff8000000000000"]}
    assert scaled["output"] == {"layers": [first, {"weights": []}]}
    assert (unscaled["code"], unscaled["path"]) == ("normalize.scales", "/scales")
    assert stepped["output"] == {"y": ["3fe5555555555555", "0" * 16, "3ff0000000000000"]}
    assert (unstepped["code"], unstepped["path"]) == ("qcfs.input", "/x/1")


def test_encode_poisson_takes_one_sample_only() -> None:
    answer, rejected = converse(
        run("encode.poisson", rates=[1, 0, 1], seed=1, steps=2),
        run("encode.poisson", rates=[[1, 0, 1]], seed=1, steps=2),
    )
    assert answer["output"] == {"spikes": [[0, 2], [0, 2]]}
    assert (rejected["code"], rejected["path"]) == ("input.shape", "/rates/0")
