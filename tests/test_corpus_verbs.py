"""The verbs that work on corpora: new, add, lint, fmt, list, show, rules."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from world import World, config_case, mini, tie_case

from conformance.corpora import BUILT_IN
from conformance.draft import TEMPLATES
from conformance.rules import all_rules, operations


@pytest.mark.parametrize("op", operations())
def test_a_new_case_of_every_operation_can_be_added_and_passes(world: World, op: str) -> None:
    case_id = op.replace(".", "-") + "-mine"
    if op == "checkpoint.load":
        shutil.copytree(BUILT_IN / "artefacts" / "sound", world.corpus / "artefacts" / "sound")
    assert world.cli("new", op, case_id, "--why", "a port might get this wrong").returncode == 0
    done = world.cli("add", f"{case_id}.json", "--corpus", str(world.corpus))
    assert done.returncode == 0, done.stderr
    assert world.cli("lint", "--corpus", str(world.corpus)).returncode == 0
    assert world.run("--backend", mini()).outcomes() == {case_id: "pass"}


def test_every_operation_has_a_template() -> None:
    assert set(TEMPLATES) == set(operations())


def test_new_never_overwrites(world: World) -> None:
    (world.folder / "mine.json").write_text("precious")
    done = world.cli("new", "simulate", "mine")
    assert done.returncode == 2
    assert "mine.json: File exists" in done.stderr
    assert (world.folder / "mine.json").read_text() == "precious"


def test_an_id_that_exists_is_refused(world: World) -> None:
    world.cli("new", "simulate", "mine", "--why", "a port might get this wrong")
    assert world.cli("add", "mine.json", "--corpus", str(world.corpus)).returncode == 0
    done = world.cli("add", "mine.json", "--corpus", str(world.corpus))
    assert done.returncode == 2
    assert "the id 'mine' exists already" in done.stderr


def rejected_draft(**changes: Any) -> dict[str, Any]:
    draft = tie_case() | {"id": "zero-threshold"}
    draft["input"]["network"]["layers"][0]["neuron"]["threshold"] = 0
    del draft["expect"]
    return draft | changes


REPAIR = [{"op": "replace", "path": "/network/layers/0/neuron/threshold", "value": 1}]


def add(world: World, draft: dict[str, Any]) -> tuple[int, str]:
    (world.folder / "draft.json").write_text(json.dumps(draft))
    done = world.cli("add", "draft.json", "--corpus", str(world.corpus))
    return done.returncode, done.stderr


def test_a_rejected_draft_needs_its_repair(world: World) -> None:
    code, says = add(world, rejected_draft())
    assert code == 2
    assert "rejected with network.threshold at /network/layers/0/neuron/threshold; add 'repair'" in says
    assert add(world, rejected_draft(repair=REPAIR)) == (0, "")
    case = json.loads((world.corpus / "simulate" / "zero-threshold.json").read_text())
    assert case["rules"] == ["network.threshold"]
    assert case["expect"]["code"] == "network.threshold"


def test_a_draft_that_contradicts_the_oracle_is_refused(world: World) -> None:
    code, says = add(world, rejected_draft(repair=REPAIR, expect={"verdict": "accept", "output": {}}))
    assert code == 2
    assert "the oracle says" in says
    assert not world.corpus.exists() or not list(world.corpus.rglob("*.json"))


def finding(world: World, case: dict[str, Any]) -> str:
    """Lint one case in canonical form; returns what was found."""
    from conformance.formatting import format_case

    file = world.write(case)
    file.write_text(format_case(case), encoding="utf-8")
    done = world.cli("lint", "--corpus", str(world.corpus))
    assert done.returncode == (0 if "0 findings" in done.stdout else 1), done.stderr
    return done.stdout


def changed(**changes: Any) -> dict[str, Any]:
    return config_case("config-000") | changes


def rejected(**changes: Any) -> dict[str, Any]:
    case = config_case("config-000") | {
        "rules": ["config.freeze-until-range"],
        "input": {"document": {"freeze_until": -2}},
        "expect": {"verdict": "reject", "code": "config.freeze-until-range", "path": "/freeze_until"},
        "repair": [{"op": "replace", "path": "/document/freeze_until", "value": -1}],
    }
    return case | changes


TWO_FAULTS = {"document": {"freeze_until": -2, "lr_head": -1}}


def test_sound_cases_have_no_findings(world: World) -> None:
    assert "1 files, 0 findings" in finding(world, changed())
    assert "1 files, 0 findings" in finding(world, rejected())


@pytest.mark.parametrize(
    ("case", "says"),
    [
        (changed(why=""), "why must be longer"),
        (changed(colour="red"), "must not contain"),
        (changed(expect={"verdict": "maybe"}), "expect must be valid exactly by one definition"),
        (changed(rules=["config.made-up"]), "unknown rule 'config.made-up'"),
        (changed(rules=["network.chain"]), "rule network.chain is not one of config.validate"),
        (changed(input={"document": {"freeze_until": 1}}), "the oracle accepts with another output"),
        (changed(input={"document": {}, "text": "{}"}), "exactly one of base64, document, text"),
        (changed(input={"document": {}, "colour": 1}), "input has 'colour'"),
        (changed(input={"document": {"freeze_until": 2**53 + 1}}), "beyond 2^53 must travel as text"),
        (changed(repair=[{"op": "remove", "path": "/document"}]), "an accepted case has nothing to repair"),
        (rejected(expect={"verdict": "reject", "code": "config.object", "path": ""}), "the oracle rejects with"),
        (rejected(rules=[]), "rules must begin with the code"),
        (rejected(repair=[{"op": "remove", "path": "/nowhere"}]), "the patch does not apply"),
        (rejected(repair=[{"op": "test", "path": "/document/freeze_until", "value": -2}]), "leads to config.freeze"),
        (rejected(input=TWO_FAULTS), "repair 0 leads to config.learning-rate-range, due is an accept"),
    ],
)
def test_lint_finds(world: World, case: dict[str, Any], says: str) -> None:
    assert says in finding(world, case)


def test_a_reject_without_repair_is_found(world: World) -> None:
    case = rejected()
    del case["repair"]
    assert "a reject needs 'repair'" in finding(world, case)


def test_precedence_needs_one_patch_per_rule(world: World) -> None:
    rules = ["config.freeze-until-range", "config.learning-rate-range"]
    first, second = ([{"op": "remove", "path": f"/document/{name}"}] for name in ("freeze_until", "lr_head"))
    case = rejected(input=TWO_FAULTS, tags=["precedence"], rules=rules)
    assert "0 findings" in finding(world, case | {"repair": [first, second]})
    assert "one patch per rule" in finding(world, case | {"repair": [first + second]})
    assert "repair 0 leads to config.freeze-until-range" in finding(world, case | {"repair": [second, first]})


def test_a_file_must_be_named_after_its_id(world: World) -> None:
    file = world.write(config_case("config-000"))
    file.rename(file.with_name("other.json"))
    assert "the file's name must be the id: config-000.json" in world.cli("lint", "--corpus", str(world.corpus)).stdout


def test_fmt_makes_canonical_and_check_only_tells(world: World) -> None:
    file = world.write(config_case("config-000"))
    before = file.read_text()
    words = ["fmt", "--corpus", str(world.corpus)]
    assert world.cli(*words, "--check").returncode == 1
    assert file.read_text() == before
    assert world.cli(*words).returncode == 0
    assert file.read_text() != before
    assert json.loads(file.read_text()) == json.loads(before)
    assert world.cli(*words, "--check").returncode == 0


def test_lint_sees_what_is_not_canonical(world: World) -> None:
    world.write(config_case("config-000"))
    assert "not in canonical form (run fmt)" in world.cli("lint", "--corpus", str(world.corpus)).stdout


def test_list_and_show(world: World) -> None:
    world.configs(3)
    world.write(tie_case())
    words = ["--corpus", str(world.corpus)]
    assert world.cli("list", *words, "--op", "config.*", "--ids").stdout.split() == [f"config-00{i}" for i in range(3)]
    assert world.cli("list", *words, "--tag", "nothing").returncode == 4
    shown = world.cli("show", "tie", *words).stdout
    assert "a potential exactly at threshold is a spike" in shown
    request = json.loads(world.cli("show", "tie", "--request", *words).stdout)
    assert request["cmd"] == "run"
    assert request["id"] == "tie"
    done = world.cli("show", "tei", *words)
    assert done.returncode == 2
    assert "did you mean tie?" in done.stderr


def test_rules_tells_gaps(world: World) -> None:
    world.write(rejected())
    done = world.cli("rules", "--corpus", str(world.corpus), "config.freeze-until-range")
    assert done.returncode == 1
    assert "rejects      config-000" in done.stdout
    assert "1 of 2 rejects" in done.stdout
    assert "never rejected in transfer.apply" in done.stdout
    rows = json.loads(world.cli("rules", "--corpus", str(world.corpus), "--json").stdout)
    assert len(rows) == len(all_rules())


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("{", "not JSON"),
        ("[]", "a case is a JSON object"),
        ('{"id": "x"}', "'op' is missing"),
        (None, "no such folder"),
    ],
)
def test_an_unusable_corpus_is_named(world: World, text: str | None, says: str) -> None:
    if text is not None:
        (world.corpus / "x").mkdir(parents=True)
        (world.corpus / "x" / "x.json").write_text(text)
    done = world.run("--backend", mini())
    assert done.code == 2
    assert says in done.err
    assert str(world.corpus) in done.err


def test_every_verb_has_help_with_an_example(world: World) -> None:
    from conformance.cli import VERBS

    assert world.cli("--help").returncode == 0
    for verb in VERBS:
        done = world.cli(verb, "--help")
        assert done.returncode == 0
        assert f"example:  python -m conformance {verb}" in done.stdout


def test_backends_tells_what_each_is(world: World) -> None:
    done = world.cli("backends", mini(), "x=missing-program", "--json")
    assert done.returncode == 3
    good, bad = json.loads(done.stdout)
    assert good["status"] == "available"
    assert good["ops"] == list(operations())
    assert bad["status"] == "unavailable"
    assert bad["reason"] == "program 'missing-program' not found"
    assert f"operations   {operations()[0]}, " in world.cli("backends", mini()).stdout


def test_reports_match_their_schema(world: World) -> None:
    import fastjsonschema

    from conformance.rules import SPEC

    validate = fastjsonschema.compile(json.loads((SPEC / "report.schema.json").read_text()))
    world.configs(60)
    world.write(rejected())
    world.write(tie_case())
    kinds = set()
    for word in (mini("one-ulp", "tie"), mini("garbage", "config-003"), mini("dies-at-start"), mini("exit-code-7")):
        for row in world.run("--backend", word, "--timeout", "2").report:
            validate(row)
            kinds.add(row["type"])
    assert kinds == {"header", "rule", "backend", "result", "incident", "divergence", "footer"}


def test_format_keeps_values_and_is_stable(tmp_path: Path) -> None:
    from conformance.formatting import WIDTH, format_case

    case = config_case("config-000")
    case["input"] = {"document": {"long": list(range(200)), "deep": [[0.1] * 30] * 5, "ä": -0.0, "s": "x" * 200}}
    text = format_case(case)
    assert json.loads(text) == case
    assert format_case(json.loads(text)) == text
    assert all(len(line) <= WIDTH or '"' * 2 in line or "xxx" in line for line in text.splitlines())
