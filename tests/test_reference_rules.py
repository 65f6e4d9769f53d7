"""The reference's table of rules against rules.toml, and against the functions that apply the rules."""

from pathlib import Path
from typing import Any

import pytest
from spikeparity import files, operations, rules, strict_json
from spikeparity.neurons import Neuron, Poisson, inputs, network, references, shapes
from spikeparity.transfer import checkpoint, fine_tune, npy, pair, sidecar, zip_archive

try:
    import tomllib
except ModuleNotFoundError:
    import tomli as tomllib

SPEC = tomllib.loads((Path(__file__).parents[1] / "conformance/spec/rules.toml").read_text(encoding="utf-8"))


@pytest.mark.parametrize("op", rules.OPERATIONS)
def test_an_operation_declares_the_codes_of_the_specification_in_its_order(op: str) -> None:
    assert list(rules.OPERATIONS[op]) == [rule["code"] for rule in SPEC["rule"] if op in rule["ops"]]


def test_hello_lists_every_code_once_in_the_order_of_the_specification() -> None:
    assert rules.codes() == [rule["code"] for rule in SPEC["rule"]]


def test_every_declared_operation_can_be_asked() -> None:
    assert list(rules.OPERATIONS) == list(operations.OPERATIONS)


@pytest.mark.parametrize(
    ("stage", "codes", "functions"),
    [
        ("checkpoint", rules.CHECKPOINT, checkpoint.RULES),
        ("config", rules.CONFIG, fine_tune.CONFIG_RULES),
        ("transfer", rules.FREEZE, fine_tune.FREEZE_RULES),
        ("transfer", rules.UNFREEZE, fine_tune.UNFREEZE_RULES),
        ("transfer", rules.APPLY, fine_tune.APPLY_RULES),
        ("network", rules.NETWORK, network.RULES),
        ("input", rules.INPUT, inputs.RULES),
        ("input", rules.POISSON, inputs.POISSON_RULES),
    ],
)
def test_a_rule_lives_in_a_function_named_after_its_code(
    stage: str, codes: tuple[str, ...], functions: tuple[Any, ...]
) -> None:
    names = [function.__name__.rstrip("_").replace("_", "-") for function in functions]
    assert [f"{stage}.{name}" for name in names] == list(codes)
    assert all(function.__doc__.startswith(f"{code}:") for function, code in zip(functions, codes, strict=True))


def test_the_rules_on_sidecars_are_those_of_a_load_in_its_order() -> None:
    documents = [function.__doc__.split(":")[0] for function in sidecar.RULES]
    arrays = ("checkpoint.weight-type", "checkpoint.weight-shape", "checkpoint.weight-finite")
    load = rules.OPERATIONS["checkpoint.load"]
    begin, end = load.index("checkpoint.object"), load.index("archive.missing")
    assert documents == [code for code in load[begin:end] if code not in arrays]


@pytest.mark.parametrize("code", [*rules.ARCHIVE, *rules.NPY, "file.path", "file.reference"])
def test_a_rule_on_files_lives_in_one_function_that_bears_its_code(code: str) -> None:
    functions = [
        function
        for module in (files, references, zip_archive, npy, pair)
        for function in vars(module).values()
        if (getattr(function, "__doc__", None) or "").startswith(f"{code}:") and function.__module__ == module.__name__
    ]
    assert len(functions) == 1


def test_limits_and_defaults_are_those_of_the_specification() -> None:
    assert {
        "depth": strict_json.DEPTH,
        "request_depth": checkpoint.METADATA_DEPTH,
        "integer": strict_json.LARGEST_INTEGER,
        "layers": network.LAYERS,
        "branches": network.BRANCHES,
        "elements": shapes.ELEMENTS,
        "extent": network.EXTENT,
        "steps": inputs.STEPS,
        "sidecar_bytes": sidecar.BYTES,
        "npy_header_bytes": pair.HEADER_BYTES,
        "file_array_bytes": references.BYTES,
        "file_array_entries": references.ENTRIES,
    }.items() <= SPEC["limits"].items()
    neuron = Neuron()
    assert {
        **fine_tune.DEFAULTS,
        "reset": neuron.reset,
        "initial_potential": neuron.initial_potential,
        "readout": network.READOUTS[0],
        "sample": Poisson([], 0).sample,
    } == SPEC["defaults"]
