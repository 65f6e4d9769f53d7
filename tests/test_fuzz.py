"""The differential search: what it draws, what it finds in miniatures with planted faults, how small it makes that."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from world import ROOT, World, heed_interrupts, mini

from conformance import oracle
from conformance.coverage import NOT_IN_A_CORPUS
from conformance.fuzz import drafts, files, mutate, networks, repair, shrink_texts, stream, worker
from conformance.fuzz.finding import ORACLE, Finding, Kind, kind_of
from conformance.fuzz.search import Plan, Search, Tally
from conformance.fuzz.shrink import Input, Shrinker, size, travels
from conformance.outcome import CRASH, FAIL, Result
from conformance.rules import all_rules, operations

PLANTED = Path(__file__).parent / "miniatures" / "planted.py"
OPS = tuple(stream.GENERATORS)


def planted(fault: str) -> str:
    """Return the --backend word for a miniature with a fault."""
    return f"planted={sys.executable} {PLANTED} {fault}"


def fuzz(world: World, *words: str) -> subprocess.CompletedProcess[str]:
    """Search with drafts in ``drafts`` and the summary in ``summary.json``."""
    return world.cli("fuzz", "--out", "drafts", "--json", "summary.json", *words)


def found(world: World) -> list[dict[str, Any]]:
    """Return the findings of the last search."""
    findings: list[dict[str, Any]] = json.loads((world.folder / "summary.json").read_bytes())["findings"]
    return findings


def running(world: World) -> list[str]:
    """Return the command lines of all processes that belong to this world."""
    lines = []
    for folder in Path("/proc").iterdir():
        try:
            if folder.name.isdigit() and str(world.folder).encode() in (folder / "environ").read_bytes():
                lines.append((folder / "cmdline").read_bytes().decode().replace("\0", " "))
        except OSError:
            continue  # gone meanwhile, or somebody else's
    return [line for line in lines if line]


# ---- what is drawn ---------------------------------------------------------------------------------------------------


def digest_of_requests(seed: int, numbers: range) -> str:
    drawn = [stream.request(seed, number, OPS) for number in numbers]
    return hashlib.sha256(json.dumps([[one.op, one.input] for one in drawn]).encode()).hexdigest()


def test_a_seed_means_the_same_requests_in_any_process() -> None:
    program = (
        "import sys; sys.path[:0] = sys.argv[1:]; import test_fuzz; print(test_fuzz.digest_of_requests(7, range(300)))"
    )
    paths = [str(ROOT), str(ROOT / "tests")]
    digests = {
        subprocess.run(
            [sys.executable, "-c", program, *paths],
            env=os.environ | {"PYTHONHASHSEED": hash_seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout.strip()
        for hash_seed in ("1", "2")
    }
    assert digests == {digest_of_requests(7, range(300))}
    assert digest_of_requests(8, range(300)) not in digests


def test_a_request_does_not_depend_on_those_before_it() -> None:
    forwards = [json.dumps(stream.request(3, number, OPS).input) for number in range(3000)]
    backwards = [json.dumps(stream.request(3, number, OPS).input) for number in reversed(range(3000))]
    assert forwards == backwards[::-1]


def containers(value: Any) -> list[Any]:
    children = value.values() if isinstance(value, dict) else value if isinstance(value, list) else None
    return [] if children is None else [value, *(inner for child in children for inner in containers(child))]


def test_no_part_of_a_request_is_shared_and_none_grows_without_bound() -> None:
    for number in range(3000):
        drawn = stream.request(4, number, ["simulate", "checkpoint.validate", "transfer.apply"]).input
        parts = [part for part in containers(drawn) if part]
        assert len({id(part) for part in parts}) == len(parts), number
        assert len(json.dumps(drawn)) < 1_000_000
    from random import Random

    for number in range(20):
        deep = networks._deep(Random(number))
        parts = [part for part in containers(deep) if part]
        assert len({id(part) for part in parts}) == len(parts)


def test_every_code_is_reached_and_accepts_are_common() -> None:
    missing = set(all_rules()) - NOT_IN_A_CORPUS
    accepted = drawn = 0
    while missing and drawn < 20_000:
        one = stream.request(1, drawn, OPS)
        due = oracle.answer(one.op, one.input, files.ROOT)
        missing.discard(due.get("code", ""))
        accepted += due["verdict"] == "accept"
        drawn += 1
    assert not missing
    assert 0.25 < accepted / drawn < 0.75


@pytest.mark.parametrize("op", OPS)
def test_requests_are_such_as_the_protocol_allows(op: str) -> None:
    from conformance.lint import MEMBERS_OF_INPUT

    required, optional = MEMBERS_OF_INPUT[op]
    for number in range(400):
        drawn = stream.request(2, number, [op]).input
        assert required <= set(drawn) <= required | optional
        assert len({"document", "text", "base64"} & set(drawn)) == ("document" in optional or "text" in optional)
        assert travels(drawn)


def test_every_operation_has_a_generator() -> None:
    assert set(OPS) == set(operations())


def test_bent_requests_keep_what_is_always_sent() -> None:
    from random import Random

    for number in range(500):
        whole = {"rates": [0.5], "seed": 1, "steps": 1, "sample": 0}
        assert {"rates", "seed", "steps"} <= set(mutate.bent(whole, Random(number), ("sample",)))


# ---- what is found ---------------------------------------------------------------------------------------------------


def test_an_honest_backend_agrees(world: World) -> None:
    done = fuzz(world, "--seed", "5", "--count", "300", "--backend", mini())
    assert done.returncode == 0, done.stdout + done.stderr
    assert "seed 5" in done.stdout
    assert "AGREE (1 backends, 300 requests, 0 disagreements" in done.stdout
    assert "\x1b" not in done.stdout and "\r" not in done.stdout
    summary = json.loads((world.folder / "summary.json").read_bytes())
    assert summary["requests"] == sum(summary["requests_per_operation"].values()) == summary["answers"]["mini"] == 300
    assert summary["accepts_due"] + sum(summary["rejects_due"].values()) == 300
    assert not (world.folder / "drafts").exists()
    assert running(world) == []


FAULTS = [
    ("fires-above", "simulate", "accepts with another output", 140),
    ("sums-backwards", "simulate", "accepts with another output", 200),
    ("takes-duplicate-keys", "json.parse", "accepts where reject json.duplicate-key is due", 30),
    ("takes-floats-as-integers", "encode.poisson", "accepts where reject", 50),
    ("sorts-by-utf16", "transfer.unfreeze", "accepts with another output", 160),
]


@pytest.mark.parametrize(("fault", "op", "says", "bytes_at_most"), FAULTS)
def test_a_planted_fault_is_found_made_small_and_becomes_a_case(
    world: World, fault: str, op: str, says: str, bytes_at_most: int
) -> None:
    done = fuzz(world, "--seed", "1", "--count", "4000", "--kinds", "1", "--op", op, "--backend", planted(fault))
    assert done.returncode == 1, done.stdout + done.stderr
    (finding,) = found(world)
    assert (finding["backend"], finding["op"], finding["outcome"]) == ("planted", op, "fail")
    assert says in finding["what"]
    assert size(finding["input"])[1] <= bytes_at_most, finding["input"]
    (draft,) = (world.folder / "drafts").iterdir()
    added = world.cli("add", "--corpus", "mine", str(draft))
    assert added.returncode == 0, added.stderr
    again = world.cli("run", "--corpus", "mine", "--backend", planted(fault))
    assert again.returncode == 1
    assert world.cli("lint", "--corpus", "mine").returncode == 0


def test_the_repeat_command_finds_it_again(world: World) -> None:
    done = fuzz(
        world, "--seed", "1", "--count", "500", "--kinds", "1", "--backend", planted("takes-floats-as-integers")
    )
    (line,) = [line for line in done.stdout.splitlines() if line.startswith("  repeat")]
    words = line.split("-m conformance ")[1].split(" --backend")[0].split()
    first = found(world)
    assert fuzz(world, *words[1:], "--backend", planted("takes-floats-as-integers")).returncode == 1
    again = found(world)
    assert [(f["number"], f["input"]) for f in again] == [(f["number"], f["input"]) for f in first]


def test_what_is_found_does_not_depend_on_the_other_backends(world: World) -> None:
    words = ["--seed", "2", "--count", "400", "--op", "encode.poisson", "--op", "transfer.*"]
    fault = planted("takes-floats-as-integers")
    fuzz(world, *words, "--backend", fault)
    alone = [(finding["number"], finding["input"]) for finding in found(world)]
    fuzz(world, *words, "--backend", mini(), "--backend", fault)
    assert [(finding["number"], finding["input"]) for finding in found(world)] == alone


@pytest.mark.parametrize(
    ("fault", "outcome", "says"),
    [
        ("babbles", "protocol-error", "unknown verdict 'perhaps'"),
        ("hangs", "timeout", "no answer within 0.3 s"),
    ],
)
def test_misbehaviour_is_a_finding_that_is_made_small(world: World, fault: str, outcome: str, says: str) -> None:
    numbers = (n for n in range(1000) if '"membrane"' in json.dumps(stream.request(1, n, ["simulate"]).input))
    words = ["--seed", "1", "--start", str(next(numbers)), "--count", "1", "--op", "simulate", "--timeout", "0.3"]
    done = fuzz(world, *words, "--backend", planted(fault))
    assert done.returncode == 1, done.stdout + done.stderr
    (finding,) = found(world)
    assert finding["outcome"] == outcome
    assert says in done.stdout
    assert size(finding["input"])[1] <= 170, finding["input"]
    assert running(world) == []


def test_a_backend_that_keeps_dying_is_given_up_and_the_others_go_on(world: World) -> None:
    words = ["--seed", "1", "--count", "600", "--op", "simulate", "--backend", planted("dies"), "--backend", mini()]
    done = fuzz(world, *words)
    assert done.returncode == 1
    assert "planted · given-up: given up after 10 restarts" in done.stdout
    summary = json.loads((world.folder / "summary.json").read_bytes())
    assert summary["answers"]["mini"] == 600
    assert summary["answers"]["planted"] < 600
    assert [finding["backend"] for finding in summary["findings"]] == ["planted"]
    assert "message   exited with code 3; its last words: planted: index out of bounds" in done.stdout
    assert size(found(world)[0]["input"])[1] <= 170


def test_a_fault_that_does_not_show_again_is_told(world: World) -> None:
    done = fuzz(world, "--seed", "1", "--count", "120", "--kinds", "1", "--backend", planted("is-wrong-at-times"))
    assert done.returncode == 1
    assert "asked again alone, the request is answered as is due" in done.stdout


def test_operations_that_a_backend_lacks_are_not_asked(world: World) -> None:
    done = fuzz(world, "--seed", "1", "--count", "200", "--backend", mini("one-op"))
    assert done.returncode == 0, done.stdout
    summary = json.loads((world.folder / "summary.json").read_bytes())
    assert summary["answers"] == {"mini": summary["requests_per_operation"]["config.validate"]}


def test_the_search_ends_after_so_many_kinds(world: World) -> None:
    done = fuzz(
        world, "--seed", "1", "--minutes", "5", "--kinds", "2", "--backend", planted("takes-floats-as-integers")
    )
    assert done.returncode == 1
    assert len(found(world)) == 2


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        (["--op", "no.such"], 4, "no operation matches --op"),
        (["--minutes", "1", "--count", "5"], 2, "not allowed with argument"),
        (["--minutes", "0"], 2, "must be a positive number"),
        (["--seed", "-1"], 2, "must be at least 0"),
        (["--count", "5", "--backend", "x=missing-program"], 3, "unavailable: program 'missing-program' not found"),
        (["--count", "5", "--backend", "nobody"], 2, "no backend 'nobody'"),
        (["--count", "5", "--backend", mini("dies-at-start")], 3, "broken: before it answered hello"),
    ],
)
def test_what_cannot_be_searched_is_said(world: World, words: list[str], code: int, says: str) -> None:
    done = world.cli("fuzz", *words)
    assert done.returncode == code, done.stdout + done.stderr
    assert says in done.stdout + done.stderr
    assert "Traceback" not in done.stderr


def started(world: World) -> subprocess.Popen[str]:
    """Start a long search and return once it has fed a backend."""
    argv = [sys.executable, "-m", "conformance", "fuzz", "--seed", "1", "--minutes", "5", "--out", "drafts"]
    fault = planted("takes-floats-as-integers")
    child = subprocess.Popen(
        [*argv, "--kinds", "100", "--backend", fault],
        cwd=world.folder,
        env=world.env,
        stdout=subprocess.PIPE,
        text=True,
        preexec_fn=heed_interrupts,
    )
    deadline = time.monotonic() + 60
    while not list(world.folder.glob("drafts/*.json")):
        assert time.monotonic() < deadline and child.poll() is None
        time.sleep(0.05)
    return child


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_search_sums_up(world: World, number: int) -> None:
    child = started(world)
    child.send_signal(number)
    out, _ = child.communicate(timeout=30)
    assert child.returncode == 130
    assert "INTERRUPTED (1 backends, " in out
    assert "drafts: drafts" in out
    assert running(world) == []


def test_a_killed_search_leaves_no_process_behind(world: World) -> None:
    child = started(world)
    child.kill()
    child.communicate(timeout=30)
    deadline = time.monotonic() + 10
    while running(world) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert running(world) == []


def test_a_failing_oracle_is_a_finding(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def answer(op: str, request: Input, root: Path) -> dict[str, Any]:
        raise ZeroDivisionError("division by zero")

    monkeypatch.setattr(oracle, "answer", answer)
    asked = worker.question(stream.request(1, 0, OPS))
    assert asked.due == {"verdict": "error", "message": "ZeroDivisionError: division by zero"}
    heard: list[Finding] = []

    class Sink:
        def found(self, finding: Finding) -> None:
            heard.append(finding)

        def turn(self, tally: Tally) -> None: ...

    plan = Plan(1, OPS, 0, 1, None, 10, 1.0, tmp_path, tmp_path)
    search = Search(plan, [], Sink())
    search._put([asked], [])
    search._shrink_fresh()
    search._source.close()
    assert [(finding.kind.backend, finding.number) for finding in heard] == [(ORACLE, 0)]


# ---- how it is made small --------------------------------------------------------------------------------------------


def shrunk(op: str, start: Input, shows: Any, **options: Any) -> Input:
    """Shrink with a predicate in place of a backend; what the oracle cannot take is no request."""

    def rank(request: Input) -> int | None:
        try:
            oracle.answer(op, request)
        except Exception:
            return None
        return 0

    shrinker = Shrinker(op, start, rank, **options)
    while candidates := shrinker.candidates(16):
        shrinker.keep([request for request in candidates if shows(request)])
    return shrinker.best


def rejected_with(op: str, code: str) -> Any:
    return lambda request: oracle.answer(op, request).get("code") == code


def test_a_text_shrinks_to_its_fault() -> None:
    text = '{"layers": [1, 2, {"a b c": {"\\u0064": 1.5e3, "e": [[]], "d": null}}], "tail": "x"}'
    shows = rejected_with("json.parse", "json.duplicate-key")
    assert shrunk("json.parse", {"text": text}, shows) == {"text": '{"":0,"":0}'}


def test_bytes_become_text_where_that_shows_it_too() -> None:
    start = shrink_texts.carried(b'["a\xff", 01]')
    shows = rejected_with("json.parse", "json.encoding")
    assert shrink_texts.text_of(shrunk("json.parse", start, lambda r: "base64" in r and shows(r))) == b'"\xff"'
    syntax = lambda request: oracle.answer("json.parse", request)["verdict"] == "reject"  # noqa: E731
    assert shrunk("json.parse", start, syntax) == {"text": ""}


def test_deep_nesting_shrinks_to_one_more_than_is_allowed() -> None:
    start = {"text": "[" * 3000 + "1e5" + "]" * 3000}
    shows = rejected_with("json.parse", "json.depth")
    assert shrunk("json.parse", start, shows) == {"text": "[" * 65 + "]" * 65}


def test_a_document_in_a_text_becomes_a_document() -> None:
    start = {"text": '{"lr_head": -1.0,  "freeze_until": "h\\u0069dden", "lr_backbone": 0.25}'}
    shows = rejected_with("config.validate", "config.learning-rate-range")
    assert shrunk("config.validate", start, shows) == {"document": {"lr_head": -1}}


def test_a_network_loses_layers_neurons_inputs_samples_and_steps() -> None:
    neuron = {"model": "lif", "decay": 0.9, "threshold": 1.75, "reset": "zero", "initial_potential": 0.25}
    layer = {
        "weights": [[0.5, 0.25, 0.125], [1.5, 2.5, 3.5], [1.0, 1.0, 1.0]],
        "bias": [0.1, 0.2, 0.3],
        "neuron": neuron,
    }
    start = {
        "network": {"layers": [layer, layer, layer], "readout": "membrane"},
        "steps": 9,
        "input": {"kind": "constant", "values": [[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]},
        "record": ["trace", "counts"],
    }

    def spikes(request: Input) -> bool:
        answer = oracle.answer("simulate", {**request, "record": ["counts"]})
        return answer["verdict"] == "accept" and "1" in json.dumps(answer["output"]["counts"])

    assert shrunk("simulate", start, spikes) == {
        "network": {"layers": [{"weights": [[1]], "neuron": {"model": "if", "threshold": 1}}]},
        "steps": 1,
        "input": {"kind": "constant", "values": [1]},
    }


def test_spike_trains_lose_steps_and_inputs_together() -> None:
    layer = {"weights": [[0.5, 0.25, 4.0]], "neuron": {"model": "if", "threshold": 8}}
    trains = [[0, 1], [0, 2], [1], [2], [0, 1, 2]]
    start = {"network": {"layers": [layer]}, "steps": 5, "input": {"kind": "spikes", "indices": [trains, trains]}}

    def spikes(request: Input) -> bool:
        answer = oracle.answer("simulate", request)
        fires = answer["verdict"] == "accept" and any(digit in str(answer["output"]["readout"]) for digit in "12345")
        return fires and request["input"]["kind"] == "spikes"

    best = shrunk("simulate", start, spikes)
    assert best["steps"] == 1
    assert best["input"]["indices"] == [[0]]


def test_of_several_faults_one_is_kept() -> None:
    request = {
        "network": {"layers": [{"weights": [[1.0]], "neuron": {"model": "if", "threshold": 0}}], "readout": "loud"},
        "steps": 0,
        "input": {"kind": "constant", "values": [1.0]},
        "record": ["counts"],
    }
    due = oracle.answer("simulate", request)
    assert repair.derive("simulate", request, due) is None
    mended = next(iter(repair.with_one_fault("simulate", request, due)))
    assert oracle.answer("simulate", mended) == due
    patch = repair.derive("simulate", mended, due)
    assert patch is not None and patch[0]["path"] == "/network/layers/0/neuron/threshold"


def test_a_shrinker_prefers_one_fault_to_a_small_request() -> None:
    start = {"rates": 7, "seed": -1, "steps": 3}
    due = oracle.answer("encode.poisson", start)

    def rank(request: Input) -> int | None:
        answer = oracle.answer("encode.poisson", request)
        if answer.get("code") != due["code"]:
            return None
        return 0 if repair.derive("encode.poisson", request, answer) is not None else 1

    shrinker = Shrinker(
        "encode.poisson", start, rank, mend=lambda one: repair.with_one_fault("encode.poisson", one, due)
    )
    while candidates := shrinker.candidates(8):
        shrinker.keep(candidates)
    assert shrinker.best == {"rates": [], "seed": -1, "steps": 1}


def test_shrinking_ends_when_its_time_is_over() -> None:
    start = {"text": "[" * 40 + "]" * 40}
    assert shrunk("json.parse", start, lambda request: True, expired=lambda: True) == start


def test_a_repair_is_not_looked_for_when_the_time_is_over() -> None:
    request = {"rates": [], "seed": 0, "steps": 0}
    due = oracle.answer("encode.poisson", request)
    assert repair.derive("encode.poisson", request, due) is not None
    assert repair.derive("encode.poisson", request, due, lambda: True) is None
    assert list(repair.with_one_fault("encode.poisson", request, due, lambda: True)) == []


def test_hints_are_tried_first() -> None:
    hint = {"text": '{"":0,"":0}'}
    shrinker = Shrinker("json.parse", {"text": '{"a":1,"a":2,"b":[1,2,3]}'}, lambda request: 0, [hint])
    assert shrinker.candidates(1) == [hint]


# ---- repairs and drafts ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("op", "request_", "patch"),
    [
        ("config.validate", {"document": {"x": 1}}, [{"op": "remove", "path": "/document/x"}]),
        ("json.parse", {"text": '{"a":0,"a":0}'}, None),
        ("json.parse", {"text": "[1,]"}, None),
        ("encode.poisson", {"rates": [], "seed": 0, "steps": 0}, [{"op": "replace", "path": "/steps", "value": 1}]),
        ("transfer.freeze", {"checkpoint": {"layer_names": [], "layer_sizes": []}}, None),
    ],
)
def test_a_repair_makes_the_request_valid(op: str, request_: Input, patch: Any) -> None:
    import jsonpatch

    due = oracle.answer(op, request_)
    derived = repair.derive(op, request_, due)
    assert due["verdict"] == "reject" and derived is not None
    assert oracle.answer(op, jsonpatch.apply_patch(request_, derived))["verdict"] == "accept"
    assert patch is None or derived == patch


def finding(op: str, request: Input, got: dict[str, Any] | None, outcome: str = FAIL) -> Finding:
    due = oracle.answer(op, request)
    due.pop("output", None)
    result = Result("rust", "7", op, outcome, due, got)
    return Finding(kind_of(result), 7, op, request, result, 1.0, 8)


def test_kinds_tell_too_strict_from_too_lax() -> None:
    valid, broken = {"document": {}}, {"document": {"x": 1}}
    lax = finding("config.validate", broken, {"verdict": "accept"}).kind
    strict = finding("config.validate", valid, {"verdict": "reject", "code": "config.unknown-key", "path": ""}).kind
    assert lax == Kind("rust", FAIL, "reject", "config.unknown-key")
    assert strict == Kind("rust", FAIL, "accept", "config.unknown-key")
    assert finding("config.validate", valid, {"verdict": "accept"}).kind.about == "config.validate"
    assert finding("config.validate", broken, None, CRASH).kind == Kind("rust", CRASH, "", "config.validate")


def test_a_draft_with_several_kinds_of_json_fault_names_them(world: World) -> None:
    one = finding("json.parse", {"text": '{"a":1e999,"a":1}'}, {"verdict": "accept"})
    one.repair = [{"op": "replace", "path": "/text", "value": "{}"}]
    file = drafts.write(one, 3, world.folder)
    case = json.loads(file.read_bytes())
    assert case["rules"] == ["json.duplicate-key", "json.number-range"]
    assert "rust accepts where reject json.* is due" in case["why"]
    done = world.cli("add", "--corpus", "mine", str(file))
    assert done.returncode == 0, done.stderr


def test_ids_stay_within_what_a_case_allows() -> None:
    one = finding("simulate", stream.request(1, 0, ["simulate"]).input, {"verdict": "accept"})
    case = drafts.draft(one, 2**64 * 10**40)
    assert len(case["id"]) <= 80
    assert not case["id"].endswith("-")
