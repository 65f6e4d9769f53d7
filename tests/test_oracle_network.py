"""The oracle's rules on networks, inputs and records: every rule by hand, and the order in which rules are asked."""

import copy
from typing import Any

import pytest

from conformance.oracle import answer

NEURON: dict[str, Any] = {"model": "lif", "threshold": 1, "decay": 0.5, "reset": "zero", "initial_potential": -1}
NETWORK: dict[str, Any] = {
    "layers": [
        {"weights": [[1, 2, 3], [4, 5, 6]], "bias": [0.5, -0.5], "neuron": NEURON},
        {"weights": [[1, 2]], "neuron": {"model": "if", "threshold": 2}},
    ],
    "readout": "membrane",
}
REQUEST: dict[str, Any] = {
    "network": NETWORK,
    "steps": 2,
    "input": {"kind": "constant", "values": [1, 2, 3]},
    "record": ["trace", "counts", "trace"],
}
LARGEST = 2**53 - 1


def edited(document: Any, path: str, value: Any) -> Any:
    """Return a copy in which the member or entry at a path has this value, or is gone where the value is `...`."""
    document = copy.deepcopy(document)
    place = document
    *around, last = [int(token) if token.isdigit() else token for token in path.split("/")[1:]]
    for token in around:
        place = place[token]
    if value is ...:
        del place[last]
    else:
        place[last] = value
    return document


def verdict(request: dict[str, Any], op: str = "simulate") -> tuple[str, str]:
    got = answer(op, request)
    return (got["code"], got["path"]) if got["verdict"] == "reject" else (got["verdict"], "")


def test_the_request_of_these_tests_is_accepted() -> None:
    assert verdict(REQUEST) == ("accept", "")


@pytest.mark.parametrize(
    ("at", "value", "code", "path"),
    [
        ("", [], "object", ""),
        ("/layers/1", [], "object", "/layers/1"),
        ("/layers/0/neuron", None, "object", "/layers/0/neuron"),
        ("/x", 1, "unknown-key", "/x"),
        ("/layers/1/x~", 1, "unknown-key", "/layers/1/x~0"),
        ("/layers/1/neuron/v0", 1, "unknown-key", "/layers/1/neuron/v0"),
        ("/layers/1/neuron/decay", 1, "unknown-key", "/layers/1/neuron/decay"),
        ("/layers", ..., "missing-key", "/layers"),
        ("/layers/1/weights", ..., "missing-key", "/layers/1/weights"),
        ("/layers/1/neuron", ..., "missing-key", "/layers/1/neuron"),
        ("/layers/1/neuron/model", ..., "missing-key", "/layers/1/neuron/model"),
        ("/layers/0/neuron/threshold", ..., "missing-key", "/layers/0/neuron/threshold"),
        ("/layers/0/neuron/decay", ..., "missing-key", "/layers/0/neuron/decay"),
        ("/layers", [], "layers", "/layers"),
        ("/layers", {}, "layers", "/layers"),
        ("/layers/0/weights", None, "weight-type", "/layers/0/weights"),
        ("/layers/0/weights/1/2", "1", "weight-type", "/layers/0/weights/1/2"),
        ("/layers/0/weights", 1, "weight-rank", "/layers/0/weights"),
        ("/layers/0/weights/1", [1, 2], "weight-rank", "/layers/0/weights"),
        ("/layers/0/weights/1/0", [], "weight-rank", "/layers/0/weights"),
        ("/layers/1/weights/0/1", "-Infinity", "weight-finite", "/layers/1/weights/0/1"),
        ("/layers/0/bias", 1, "bias-type", "/layers/0/bias"),
        ("/layers/0/bias", None, "bias-type", "/layers/0/bias"),
        ("/layers/0/bias/1", [], "bias-type", "/layers/0/bias/1"),
        ("/layers/0/bias", [1], "bias-shape", "/layers/0/bias"),
        ("/layers/1/bias", [], "bias-shape", "/layers/1/bias"),
        ("/layers/0/bias/1", "NaN", "bias-finite", "/layers/0/bias/1"),
        ("/layers/1/weights/0", [1], "chain", "/layers/1/weights"),
        ("/layers/1/weights/0", [], "chain", "/layers/1/weights"),
        ("/layers/0/neuron/model", "LIF", "neuron-model", "/layers/0/neuron/model"),
        ("/layers/0/neuron/model", 1, "neuron-model", "/layers/0/neuron/model"),
        ("/layers/1/neuron/threshold", 0, "threshold", "/layers/1/neuron/threshold"),
        ("/layers/1/neuron/threshold", "Infinity", "threshold", "/layers/1/neuron/threshold"),
        ("/layers/1/neuron/threshold", True, "threshold", "/layers/1/neuron/threshold"),
        ("/layers/1/neuron/reset", None, "reset", "/layers/1/neuron/reset"),
        ("/layers/0/neuron/decay", 1.0000000000000002, "decay", "/layers/0/neuron/decay"),
        ("/layers/0/neuron/decay", -5e-324, "decay", "/layers/0/neuron/decay"),
        ("/layers/0/neuron/decay", "NaN", "decay", "/layers/0/neuron/decay"),
        ("/layers/0/neuron/initial_potential", "NaN", "initial-potential", "/layers/0/neuron/initial_potential"),
        ("/readout", "counts", "readout", "/readout"),
        ("/readout", None, "readout", "/readout"),
    ],
)
def test_network_rules(at: str, value: Any, code: str, path: str) -> None:
    request = edited(REQUEST, "/network" + at, value)
    assert verdict(request) == (f"network.{code}", "/network" + path)


def test_layers_are_counted_up_to_1024() -> None:
    layer = {"weights": [[1, 1, 1]] * 3, "neuron": {"model": "if", "threshold": 1}}
    assert verdict({**REQUEST, "network": {"layers": [layer] * 1024}, "steps": 1}) == ("accept", "")
    assert verdict({**REQUEST, "network": {"layers": [layer] * 1025}}) == ("network.layers", "/network/layers")


def test_decay_beside_an_unknown_model_is_no_unknown_key() -> None:
    request = edited(REQUEST, "/network/layers/0/neuron/model", "alif")
    assert verdict(request) == ("network.neuron-model", "/network/layers/0/neuron/model")


def test_objects_are_visited_layer_by_layer_with_their_neurons() -> None:
    request = edited(REQUEST, "/network/layers/1/x", 1)
    request = edited(request, "/network/layers/0/neuron/y", 1)
    assert verdict(request) == ("network.unknown-key", "/network/layers/0/neuron/y")
    assert verdict(edited(request, "/network/z", 1)) == ("network.unknown-key", "/network/z")
    assert verdict(edited(request, "/network/layers/1/neuron", [])) == ("network.object", "/network/layers/1/neuron")


def test_a_rule_is_asked_of_all_layers_before_the_next_rule() -> None:
    request = edited(REQUEST, "/network/layers/0/weights/0/0", "NaN")
    request = edited(request, "/network/layers/1/weights/0/0", None)
    assert verdict(request) == ("network.weight-type", "/network/layers/1/weights/0/0")


def test_matrices_without_rows_have_the_width_that_is_due() -> None:
    neuron = {"model": "if", "threshold": 1}
    layers = [
        {"weights": [], "neuron": neuron},
        {"weights": [[], []], "neuron": neuron},
        {"weights": [], "neuron": neuron},
    ]
    request = {"network": {"layers": layers}, "steps": 1, "input": {"kind": "spikes", "indices": [[0, LARGEST]]}}
    assert answer("simulate", request)["output"] == {"readout": []}
    request["input"] = {"kind": "constant", "values": [[1, 2], [3, 4]]}
    assert answer("simulate", request)["output"] == {"readout": [[], []]}
    request["input"] = {"kind": "constant", "values": [[1, 2], [3]]}
    assert verdict(request) == ("input.shape", "/input/values/1")
    request["network"] = {"layers": [layers[0], {"weights": [[1]], "neuron": neuron}]}
    assert verdict(request) == ("network.chain", "/network/layers/1/weights")


@pytest.mark.parametrize("steps", [0, -1, 2.0, True, None, "2", 1048577])
def test_steps(steps: Any) -> None:
    assert verdict({**REQUEST, "steps": steps, "input": None}) == ("simulate.steps", "/steps")


def test_the_largest_number_of_steps() -> None:
    got = answer("encode.poisson", {"rates": [], "seed": 0, "steps": 1048576})
    assert got["output"]["spikes"] == [[]] * 1048576


@pytest.mark.parametrize(
    ("input", "code", "path"),
    [
        (None, "kind", ""),
        ({}, "kind", "/kind"),
        ({"kind": "Constant"}, "kind", "/kind"),
        ({"kind": ["constant"], "x": 1}, "kind", "/kind"),
        ({"kind": "constant", "x": 1}, "unknown-key", "/x"),
        ({"kind": "constant", "values": [1, 2, 3], "seed": 1}, "unknown-key", "/seed"),
        ({"kind": "spikes", "values": []}, "unknown-key", "/values"),
        ({"kind": "poisson"}, "seed", "/seed"),
        ({"kind": "poisson", "seed": -1}, "seed", "/seed"),
        ({"kind": "poisson", "seed": 1.0}, "seed", "/seed"),
        ({"kind": "poisson", "seed": 2**53}, "seed", "/seed"),
        ({"kind": "poisson", "seed": 0, "sample": None}, "sample", "/sample"),
        ({"kind": "poisson", "seed": 0, "sample": -1}, "sample", "/sample"),
        ({"kind": "poisson", "seed": 0, "sample": LARGEST, "rates": [[], []]}, "sample", "/sample"),
        ({"kind": "poisson", "seed": 0, "sample": LARGEST, "rates": [[]]}, "shape", "/rates/0"),
        ({"kind": "poisson", "seed": LARGEST, "sample": LARGEST}, "shape", "/rates"),
        ({"kind": "constant"}, "shape", "/values"),
        ({"kind": "constant", "values": None}, "shape", "/values"),
        ({"kind": "constant", "values": []}, "shape", "/values"),
        ({"kind": "constant", "values": [1, 2]}, "shape", "/values"),
        ({"kind": "constant", "values": [1, "2"]}, "shape", "/values/1"),
        ({"kind": "constant", "values": [1, [2]]}, "shape", "/values/1"),
        ({"kind": "constant", "values": [[1, 2, 3], 2]}, "shape", "/values/1"),
        ({"kind": "constant", "values": [[1, 2, 3], [1]]}, "shape", "/values/1"),
        ({"kind": "constant", "values": [[1, 2, 3], [1, None]]}, "shape", "/values/1/1"),
        ({"kind": "constant", "values": [[1], [None]]}, "shape", "/values/0"),
        ({"kind": "spikes", "indices": {}}, "shape", "/indices"),
        ({"kind": "spikes", "indices": [[0]]}, "shape", "/indices"),
        ({"kind": "spikes", "indices": [[0], 1]}, "shape", "/indices/1"),
        ({"kind": "spikes", "indices": [[], [[0]]]}, "indices", "/indices/1/0"),
        ({"kind": "spikes", "indices": [[[0], [1]], 1]}, "shape", "/indices/1"),
        ({"kind": "spikes", "indices": [[[0], [1]], [[0]]]}, "shape", "/indices/1"),
        ({"kind": "spikes", "indices": [[[0], [1]], [[0], 1]]}, "shape", "/indices/1/1"),
        ({"kind": "spikes", "indices": [[0], [3]]}, "indices", "/indices/1/0"),
        ({"kind": "spikes", "indices": [[0], [-1]]}, "indices", "/indices/1/0"),
        ({"kind": "spikes", "indices": [[0, 2, 1], [9]]}, "indices", "/indices/0/2"),
        ({"kind": "spikes", "indices": [[1, 1], []]}, "indices", "/indices/0/1"),
        ({"kind": "spikes", "indices": [[1.0], []]}, "indices", "/indices/0/0"),
        ({"kind": "spikes", "indices": [[[0], [1]], [[0], [2, 2]]]}, "indices", "/indices/1/1/1"),
        ({"kind": "constant", "values": [1, "NaN", 3]}, "range", "/values/1"),
        ({"kind": "poisson", "seed": 0, "rates": [1, -5e-324, 3]}, "range", "/rates/1"),
        ({"kind": "poisson", "seed": 0, "rates": [[0, -0.0, 1], [0, 1.0000000000000002, 1]]}, "range", "/rates/1/1"),
        ({"kind": "poisson", "seed": 0, "rates": ["NaN", 0, 0]}, "range", "/rates/0"),
    ],
)
def test_input_rules(input: Any, code: str, path: str) -> None:
    assert verdict({**REQUEST, "input": input, "record": None}) == (f"input.{code}", "/input" + path)


@pytest.mark.parametrize(
    ("record", "path"), [(None, ""), ("counts", ""), (["counts", "raster"], "/1"), ([["counts"]], "/0"), ([None], "/0")]
)
def test_record(record: Any, path: str) -> None:
    assert verdict({**REQUEST, "record": record}) == ("record.kind", "/record" + path)


@pytest.mark.parametrize(
    ("changes", "code", "path"),
    [
        ({"steps": 0, "seed": -1}, "simulate.steps", "/steps"),
        ({"seed": None, "sample": None}, "input.seed", "/seed"),
        ({"sample": 2**53, "rates": None}, "input.sample", "/sample"),
        ({"rates": {}}, "input.shape", "/rates"),
        ({"rates": [2, [1]]}, "input.shape", "/rates/1"),
        ({"rates": [[1], [1]], "sample": LARGEST}, "input.shape", "/rates/0"),
        ({"rates": [0.5, 2]}, "input.range", "/rates/1"),
    ],
)
def test_encode_rules(changes: dict[str, Any], code: str, path: str) -> None:
    assert verdict({"rates": [0.5], "seed": 0, "steps": 1, **changes}, "encode.poisson") == (code, path)


def test_another_profile_is_unsupported() -> None:
    assert answer("simulate", {**REQUEST, "profile": "float32"}) == {"verdict": "unsupported"}
    assert verdict({**REQUEST, "profile": "sequential-f64"}) == ("accept", "")
