"""The reference's table of rules against rules.toml, and against the functions that apply the rules."""

from pathlib import Path
from typing import Any

import pytest
from spikeparity import operations, rules, strict_json
from spikeparity.neurons import Neuron, Poisson, inputs, network
from spikeparity.transfer import checkpoint, fine_tune

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


def test_limits_and_defaults_are_those_of_the_specification() -> None:
    assert {
        "depth": strict_json.DEPTH,
        "request_depth": checkpoint.METADATA_DEPTH,
        "integer": strict_json.LARGEST_INTEGER,
        "layers": network.LAYERS,
        "steps": inputs.STEPS,
    }.items() <= SPEC["limits"].items()
    neuron = Neuron()
    assert {
        **fine_tune.DEFAULTS,
        "reset": neuron.reset,
        "initial_potential": neuron.initial_potential,
        "readout": network.READOUTS[0],
        "sample": Poisson([], 0).sample,
    } == SPEC["defaults"]
