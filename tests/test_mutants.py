"""Faults put into the backends on purpose: their patches fit, the corpus notices them, and what it misses is told."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest
from world import ROOT, World, tie_case

from conformance.case import case_of
from conformance.corpora import BUILT_IN, Corpus, load
from conformance.coverage import NOT_IN_A_CORPUS
from conformance.mutants import results
from conformance.mutants.mutant import LANGUAGES, mutants_of
from conformance.mutants.reference import sources
from conformance.mutants.trial import Laboratory, Trial
from conformance.rules import all_rules

STRICT = {"find": "(v >= neuron.threshold)", "replace": "(v > neuron.threshold)"}
NO_FAULT = {"find": "before, fired, after = [], [], []", "replace": "before, fired, after = list(), list(), list()"}


def fault(name: str, **members: Any) -> dict[str, Any]:
    """Return a mutant of the reference's simulation."""
    return {"name": name, "why": "a test", "file": "neurons/simulate.py", "ops": ["simulate"]} | members


def plant(world: World, *faults: dict[str, Any]) -> list[str]:
    """Write mutants; returns the words that name their folder."""
    folder = world.folder / "mutants"
    (folder / "python").mkdir(parents=True, exist_ok=True)
    # JSON's strings, arrays and one-line tables without colons are TOML too.
    rows = ("[[mutant]]\n" + "".join(f"{key} = {json.dumps(row[key])}\n" for key in row) for row in faults)
    (folder / "python" / "planted.toml").write_text("\n".join(rows))
    return ["--mutants", str(folder), "--corpus", str(world.corpus)]


def ties(world: World, count: int) -> None:
    """Write that many cases in which a potential exactly at threshold decides."""
    for number in range(count):
        case = copy.deepcopy(tie_case())
        world.write(case | {"id": f"tie-{number}"})


def mutants(world: World, *faults: dict[str, Any], words: tuple[str, ...] = ()) -> tuple[int, str, str]:
    done = world.cli("mutants", *plant(world, *faults), *words)
    return done.returncode, done.stdout, done.stderr


def test_a_fault_that_two_cases_notice_is_told_with_the_first(world: World) -> None:
    ties(world, 2)
    report = world.folder / "result.json"
    code, out, err = mutants(world, fault("strict", **STRICT), words=("--report", str(report), "--jobs", "1"))
    assert (code, err) == (0, "")
    assert out.splitlines()[0].split() == ["strict", "2", "of", "2", "tie-0"]
    assert "1 faults: 1 noticed, 0 survive, 0 hang on one case; 2 cases, 2 answers" in out
    assert results.read(report) == {"strict": ["tie-0", "tie-1"]}


def test_a_survivor_is_told_and_fails(world: World) -> None:
    ties(world, 2)
    code, out, _ = mutants(world, fault("harmless", **NO_FAULT), fault("strict", **STRICT))
    assert code == 1
    assert "SURVIVES: a test" in out
    assert "2 faults: 1 noticed, 1 survive" in out


def test_a_fault_that_hangs_on_one_case_fails(world: World) -> None:
    ties(world, 1)
    code, out, _ = mutants(world, fault("strict", **STRICT))
    assert code == 1
    assert "HANGS ON ONE CASE: a test" in out


def test_a_declared_equivalent_may_survive_but_not_be_noticed(world: World) -> None:
    ties(world, 2)
    proof = {"equivalent": "both build empty lists"}
    assert mutants(world, fault("harmless", **NO_FAULT, **proof))[0] == 0
    code, out, _ = mutants(world, fault("strict", **STRICT, **proof))
    assert code == 1
    assert "DECLARED EQUIVALENT, but it is not" in out


def test_cases_of_other_operations_and_skipped_ones_are_not_asked(world: World) -> None:
    ties(world, 3)
    world.configs(4)
    _, out, _ = mutants(world, fault("strict", **STRICT, skip=["tie-0"]))
    assert out.splitlines()[0].split() == ["strict", "2", "of", "2", "tie-1"]


def test_cases_that_do_not_run_the_code_are_not_asked(world: World) -> None:
    ties(world, 2)
    world.configs(3)
    both = {"ops": ["simulate", "config.validate"]}
    at_load = {"find": "FEW = 12", "replace": "FEW = 12 + 0 * len(str())"}
    _, out, _ = mutants(world, fault("strict", **STRICT, **both), fault("at-load", **at_load, **both))
    strict, loaded = (line.split()[:4] for line in out.splitlines() if " of " in line and ";" not in line)
    assert strict == ["strict", "2", "of", "2"]
    assert loaded == ["at-load", "0", "of", "5"]


def test_faults_are_chosen_by_name(world: World) -> None:
    ties(world, 2)
    faults = fault("strict", **STRICT), fault("harmless", **NO_FAULT)
    assert mutants(world, *faults, words=("--id", "str*"))[0] == 0
    assert mutants(world, *faults, words=("--id", "nothing"))[0] == 4


@pytest.mark.parametrize(
    ("members", "says"),
    [
        ({"find": "no such text", "replace": ""}, "its text occurs 0 times in neurons/simulate.py, not once"),
        ({"find": "import", "replace": ""}, "times in neurons/simulate.py, not once"),
        ({"find": "for current in currents:", "replace": "for for"}, "the patched source is no Python"),
        ({"find": "FEW = 12", "replace": "FEW = unknown"}, "the patched package does not load: NameError"),
        (STRICT | {"file": "none.py"}, "the sources have no file none.py"),
        (STRICT | {"colour": "red"}, "unknown member 'colour'"),
        (STRICT | {"rule": "network.colour"}, "unknown rule 'network.colour'"),
        (STRICT | {"ops": ["paint"]}, "unknown operation 'paint'"),
        ({"find": "x"}, "'replace' is missing"),
    ],
)
def test_an_unusable_fault_is_named(world: World, members: dict[str, Any], says: str) -> None:
    ties(world, 1)
    code, _, err = mutants(world, fault("odd", **members))
    assert code == 2
    assert "mutant odd" in err
    assert says in err


def test_two_faults_of_one_name_are_refused(world: World) -> None:
    ties(world, 1)
    code, _, err = mutants(world, fault("strict", **STRICT), fault("strict", **STRICT))
    assert code == 2
    assert "the name 'strict' is also that of" in err


def test_where_the_reference_itself_errs_mutants_prove_nothing(world: World) -> None:
    case = copy.deepcopy(tie_case())
    case["expect"]["output"]["readout"] = [9, 9]
    world.write(case)
    code, _, err = mutants(world, fault("strict", **STRICT))
    assert code == 2
    assert "the reference without any fault answers 1 cases wrongly, the first is tie" in err


def trials(world: World, patience: float, *faults: dict[str, Any]) -> list[Trial]:
    """Run planted faults in this process."""
    plant(world, *faults)
    told: list[Trial] = []
    cases = [case_of(copy.deepcopy(tie_case()) | {"id": f"tie-{number}"}, Path("-")) for number in range(6)]
    cases[2].input["steps"], cases[4].input["steps"] = 3, 4
    Laboratory([Corpus(world.corpus, tuple(cases), "")], jobs=2, patience=patience).run(
        mutants_of("python", world.folder / "mutants"), told.append
    )
    return told


CHECK = "    inputs.steps_(steps)\n"


def test_a_fault_that_hangs_is_noticed_by_the_case_at_which_it_does(world: World) -> None:
    hang = {"find": CHECK, "replace": f"{CHECK}    while steps == 4:\n        pass\n"}
    (trial,) = trials(world, 2.0, fault("hangs", **hang))
    assert trial.kills == {"tie-4": "timeout"}
    assert trial.unasked == 0


def test_a_fault_that_dies_is_noticed_by_the_case_at_which_it_does(world: World) -> None:
    death = "    if steps in (3, 4):\n        import os\n\n        os._exit(0)\n"
    dying = {"find": CHECK, "replace": CHECK + death}
    always = {"find": CHECK, "replace": CHECK + death.replace("in (3, 4)", "> 0")}
    one, all_ = trials(world, 5.0, fault("dies", **dying), fault("always-dies", **always))
    assert one.kills == {"tie-2": "crash", "tie-4": "crash"}
    assert all_.kills == {"tie-0": "crash", "tie-1": "crash", "tie-2": "crash"}
    assert all_.unasked == 3


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_patch_fits_the_sources(language: str) -> None:
    if language == "python":
        texts = sources()
    else:
        files = (file for file in (ROOT / language).rglob("*") if file.suffix in (".rs", ".jl", ".mojo"))
        texts = {file.relative_to(ROOT / language).as_posix(): file.read_text(encoding="utf-8") for file in files}
    faults = mutants_of(language)
    assert len(faults) >= (120 if language == "python" else 25)
    for mutant in faults:
        assert mutant.patched(texts) != texts
        assert mutant.why.endswith(".")


def test_every_rule_is_switched_off_by_a_fault_and_moved_by_another() -> None:
    faults = mutants_of("python")
    due = set(all_rules()) - NOT_IN_A_CORPUS
    assert {mutant.rule for mutant in faults if mutant.name.endswith("-off")} == due
    # What an accept of a misfit leads to is no boundary; of one rule nothing but leaves is to be told.
    single = {code for code in due if sum(mutant.rule == code for mutant in faults) < 2}
    assert single <= {"network.weight-type"}


def test_the_committed_result_is_that_of_these_faults_and_this_corpus() -> None:
    faults = mutants_of("python")
    result = results.read(results.COMMITTED)
    remedy = f"python -m conformance mutants --report {results.COMMITTED.relative_to(ROOT)}"
    assert set(result) == {mutant.name for mutant in faults}, remedy
    known = {case.id for case in load(BUILT_IN).cases}
    for mutant in faults:
        kills = [case for case in result[mutant.name] if case in known]
        assert len(kills) >= results.ENOUGH or mutant.equivalent, f"{mutant.name}: {remedy}"


def test_rules_tells_mutants_and_kills(world: World) -> None:
    done = world.cli("rules", "network.threshold", "--json")
    assert done.returncode == 0, done.stdout
    (row,) = json.loads(done.stdout)
    assert "network-threshold-zero" in row["mutants"]
    assert "network-threshold-minus-zero" in row["kills"]
    assert row["gaps"] == []


def test_rules_tells_what_is_missing_of_the_mutants(world: World) -> None:
    ties(world, 2)
    words = ["rules", "network.threshold", "--corpus", str(world.corpus)]
    assert json.loads(world.cli(*words, "--json").stdout)[0]["kills"] is None
    file = world.folder / "result.json"
    kills = {"name": "network-threshold-zero", "kills": ["tie-0", "gone"]}
    file.write_text(json.dumps({"format": 1, "faults": [kills]}))
    (row,) = json.loads(world.cli(*words, "--json", "--mutants", str(file)).stdout)
    assert row["kills"] == ["tie-0"]
    assert "mutant network-threshold-zero is noticed by 1 of 2 cases" in row["gaps"]
    assert "mutant network-threshold-off was not tried" in row["gaps"]


@pytest.mark.parametrize(("text", "says"), [(None, "No such file"), ("{}", "not what"), ('{"format": 7}', "format 7")])
def test_an_unusable_result_is_named(world: World, text: str | None, says: str) -> None:
    file = world.folder / "result.json"
    if text is not None:
        file.write_text(text)
    done = world.cli("rules", "--mutants", str(file))
    assert done.returncode == 2
    assert says in done.stderr
    assert str(file) in done.stderr
