"""The oracle on checkpoints, configs and freezing: every rule by hand, and the order in which rules are asked."""

import copy
from typing import Any

import pytest

from conformance.oracle import answer, checkpoint, fine_tune, json_text, network, stimulus, values
from conformance.rules import all_rules, limit

CHECKPOINT: dict[str, Any] = {
    "layer_names": ["in", "mid", "out"],
    "layer_sizes": [[2, 3], [3, 2], [2, 0]],
    "weights": [[[1, 2], [3, -0.0], [5e-324, 6]], [[1, 2, 3], [4, 5, 6]], []],
    "neuron_types": ["if", "if", "anything"],
    "frozen_layers": ["out", "in", "out"],
    "metadata": {"any": [None]},
}
CONFIG: dict[str, Any] = {"freeze_until": "in", "lr_backbone": 0.5, "lr_head": 1}


def changed(document: dict[str, Any], **members: Any) -> dict[str, Any]:
    return {**copy.deepcopy(document), **members}


def without(document: dict[str, Any], *keys: str) -> dict[str, Any]:
    return {key: value for key, value in document.items() if key not in keys}


def rejection(op: str, **input: Any) -> tuple[str, str]:
    got = answer(op, input)
    assert got["verdict"] == "reject", got
    return got["code"], got["path"]


def output(op: str, **input: Any) -> dict[str, Any]:
    got = answer(op, input)
    assert got["verdict"] == "accept", got
    return dict(got["output"])


def test_an_accepted_checkpoint() -> None:
    assert output("checkpoint.validate", document=CHECKPOINT) == {
        "n_layers": 3,
        "total_params": 12,
        "layer_names": ["in", "mid", "out"],
        "frozen_layers": ["in", "out"],
    }


def test_a_checkpoint_without_layers() -> None:
    empty: dict[str, Any] = {"layer_names": [], "layer_sizes": [], "weights": []}
    due = {"n_layers": 0, "total_params": 0, "layer_names": [], "frozen_layers": []}
    assert output("checkpoint.validate", document=empty) == due


def test_frozen_names_are_sorted_by_code_point_not_by_utf16() -> None:
    names = ["\U0001f600", "\uff5e", "z", "é", "e\u0301"]
    document = {"layer_names": names, "layer_sizes": [[0, 0]] * 5, "weights": [[]] * 5, "frozen_layers": names}
    due = ["e\u0301", "z", "é", "\uff5e", "\U0001f600"]
    assert output("checkpoint.validate", document=document)["frozen_layers"] == due


@pytest.mark.parametrize(
    ("members", "code", "path"),
    [
        ({"a/b": 1}, "unknown-key", "/a~1b"),
        ({"layer_names": "in"}, "names-type", "/layer_names"),
        ({"layer_names": ["in", None, 3]}, "names-type", "/layer_names/1"),
        ({"layer_names": ["in", "out", "in"]}, "names-unique", "/layer_names/2"),
        ({"weights": {}}, "weights-count", "/weights"),
        ({"weights": [[], []]}, "weights-count", "/weights"),
        ({"layer_sizes": None}, "sizes-count", "/layer_sizes"),
        ({"layer_sizes": []}, "sizes-count", "/layer_sizes"),
        ({"layer_sizes": [[2, 3], [3, 2], [2]]}, "sizes-type", "/layer_sizes/2"),
        ({"layer_sizes": [[2, 3], [3, 2, 1], [2, 0]]}, "sizes-type", "/layer_sizes/1"),
        ({"layer_sizes": [[2, 3], [3, 2.0], [2, 0]]}, "sizes-type", "/layer_sizes/1"),
        ({"layer_sizes": [[2, 3], [3, True], [2, 0]]}, "sizes-type", "/layer_sizes/1"),
        ({"layer_sizes": [[2, 3], [3, 2], [2, -1]]}, "sizes-type", "/layer_sizes/2"),
        ({"layer_sizes": [[2, 3], [3, 2], [2**53, 0]]}, "sizes-type", "/layer_sizes/2"),
        ({"neuron_types": None}, "types-type", "/neuron_types"),
        ({"neuron_types": ["if", 1]}, "types-type", "/neuron_types/1"),
        ({"neuron_types": ["if"]}, "types-count", "/neuron_types"),
        ({"frozen_layers": {}}, "frozen-type", "/frozen_layers"),
        ({"frozen_layers": ["in", []]}, "frozen-type", "/frozen_layers/1"),
        ({"frozen_layers": ["in", "In"]}, "frozen-unknown", "/frozen_layers/1"),
        ({"metadata": []}, "metadata-type", "/metadata"),
        ({"metadata": None}, "metadata-type", "/metadata"),
        ({"weights": [[[1, 2], [3, True], [5, 6]], [[1, 2, 3], [4, 5, 6]], []]}, "weight-type", "/weights/0/1/1"),
        ({"weights": [[[1, 2], [3, [["nan"]]], [5, 6]], [], []]}, "weight-type", "/weights/0/1/1/0/0"),
        ({"weights": [[], {}, []]}, "weight-type", "/weights/1"),
        ({"weights": [[], 5, []]}, "weight-rank", "/weights/1"),
        ({"weights": [[], [1, 2], []]}, "weight-rank", "/weights/1"),
        ({"weights": [[[1, 2], [3], [5, 6]], [], []]}, "weight-rank", "/weights/0"),
        ({"weights": [[[1, 2], [3, [4]], [5, 6]], [], []]}, "weight-rank", "/weights/0"),
        ({"weights": [[[1, 2], [3, 4]], [], []]}, "weight-shape", "/weights/0"),
        ({"weights": [[[1, 2], [3, 4], [5, 6]], [[], []], []]}, "weight-shape", "/weights/1"),
        ({"weights": [[[1, 2], [3, 4], [5, "NaN"]], [[1, 2, 3], [4, 5, 6]], []]}, "weight-finite", "/weights/0/2/1"),
        (
            {"weights": [[["-Infinity", 2], [3, 4], [5, 6]], [[1, 2, 3], [4, 5, 6]], []]},
            "weight-finite",
            "/weights/0/0/0",
        ),
    ],
)
def test_checkpoint_rules(members: dict[str, Any], code: str, path: str) -> None:
    document = changed(CHECKPOINT, **members)
    assert rejection("checkpoint.validate", document=document) == (f"checkpoint.{code}", path)
    assert rejection("transfer.freeze", checkpoint=document) == (f"checkpoint.{code}", "/checkpoint" + path)


def test_missing_keys_in_the_order_of_the_text() -> None:
    keys = ["layer_names", "layer_sizes", "weights"]
    for i, key in enumerate(keys):
        document = without(CHECKPOINT, *keys[i:])
        assert rejection("checkpoint.validate", document=document) == ("checkpoint.missing-key", f"/{key}")
    roots: list[Any] = [[], None, "x", 1, True]
    for root in roots:
        assert rejection("checkpoint.validate", document=root) == ("checkpoint.object", "")


def test_rules_come_before_positions() -> None:
    # layer 1 breaks the earlier rule (type), layer 0 the later one (finite)
    weights = [[["NaN", 2], [3, 4], [5, 6]], [[1, 2, 3], [4, 5, False]], []]
    document = changed(CHECKPOINT, weights=weights)
    assert rejection("checkpoint.validate", document=document) == ("checkpoint.weight-type", "/weights/1/1/2")
    document = changed({"zz": 1, "aa": 2}, **CHECKPOINT)
    assert rejection("checkpoint.validate", document=document) == ("checkpoint.unknown-key", "/zz")


def test_a_document_as_text_meets_the_rules_on_texts_first() -> None:
    assert rejection("checkpoint.validate", text='{"a":1,"a":2}') == ("json.duplicate-key", "")
    assert rejection("config.validate", text="[") == ("json.syntax", "")
    assert rejection("config.validate", text="[]") == ("config.object", "")
    assert output("config.validate", text='{"freeze_until":-0,"lr_head":-0}') == {
        "freeze_until": 0,
        "lr_backbone": "0000000000000000",
        "lr_head": "8000000000000000",
    }


def test_config_defaults() -> None:
    due = {"freeze_until": -1, "lr_backbone": "0000000000000000", "lr_head": "3f847ae147ae147b"}
    assert output("config.validate", document={}) == due
    assert output("config.validate", document={"freeze_until": "", "lr_head": 10**22})["lr_head"] == "4480f0cf064dd592"


@pytest.mark.parametrize(
    ("config", "code", "path"),
    [
        (None, "object", ""),
        ({"lr": 1}, "unknown-key", "/lr"),
        ({"freeze_until": 1.0}, "freeze-until-type", "/freeze_until"),
        ({"freeze_until": True}, "freeze-until-type", "/freeze_until"),
        ({"freeze_until": None}, "freeze-until-type", "/freeze_until"),
        ({"freeze_until": 2**53}, "freeze-until-type", "/freeze_until"),
        ({"freeze_until": -2}, "freeze-until-range", "/freeze_until"),
        ({"lr_head": True}, "learning-rate-type", "/lr_head"),
        ({"lr_head": "0.1"}, "learning-rate-type", "/lr_head"),
        ({"lr_head": "x", "lr_backbone": None}, "learning-rate-type", "/lr_head"),
        ({"lr_head": -1, "lr_backbone": None}, "learning-rate-type", "/lr_backbone"),
        ({"lr_head": "NaN"}, "learning-rate-range", "/lr_head"),
        ({"lr_backbone": "Infinity"}, "learning-rate-range", "/lr_backbone"),
        ({"lr_backbone": -5e-324}, "learning-rate-range", "/lr_backbone"),
    ],
)
def test_config_rules(config: Any, code: str, path: str) -> None:
    assert rejection("config.validate", document=config) == (f"config.{code}", path)
    applied = rejection("transfer.apply", checkpoint=CHECKPOINT, config=config)
    assert applied == (f"config.{code}", "/config" + path)


def test_freezing_adds_names_and_indices() -> None:
    assert output("transfer.freeze", checkpoint=CHECKPOINT) == {"frozen_layers": ["in", "out"]}
    assert output("transfer.freeze", checkpoint=CHECKPOINT, layer_names=["mid"])["frozen_layers"] == [
        "in",
        "mid",
        "out",
    ]
    thawed = changed(CHECKPOINT, frozen_layers=[])
    assert output("transfer.freeze", checkpoint=thawed, until_index=0)["frozen_layers"] == ["in"]
    assert output("transfer.freeze", checkpoint=thawed, layer_names=["out"], until_index=1)["frozen_layers"] == [
        "in",
        "mid",
        "out",
    ]


def test_unfreezing_removes_names_or_all() -> None:
    assert output("transfer.unfreeze", checkpoint=CHECKPOINT) == {"frozen_layers": ["in", "out"]}
    assert output("transfer.unfreeze", checkpoint=CHECKPOINT, layer_names=["in", "mid"])["frozen_layers"] == ["out"]
    assert output("transfer.unfreeze", checkpoint=CHECKPOINT, all_layers=False)["frozen_layers"] == ["in", "out"]
    assert output("transfer.unfreeze", checkpoint=CHECKPOINT, all_layers=True)["frozen_layers"] == []


def test_apply_gives_each_layer_its_rate() -> None:
    low, high = "3fe0000000000000", "3ff0000000000000"
    due = {"frozen_layers": ["in", "out"], "learning_rates": [low, high, low]}
    assert output("transfer.apply", checkpoint=CHECKPOINT, config=CONFIG) == due
    assert output("transfer.apply", checkpoint=CHECKPOINT, config=changed(CONFIG, freeze_until=-1)) == due
    due = {"frozen_layers": ["in", "mid", "out"], "learning_rates": [low, low, low]}
    for until in ("mid", 1, "out", 2):
        assert output("transfer.apply", checkpoint=CHECKPOINT, config=changed(CONFIG, freeze_until=until)) == due


@pytest.mark.parametrize(
    ("op", "arguments", "code", "path"),
    [
        ("freeze", {"layer_names": "in"}, "layer-names-type", "/layer_names"),
        ("freeze", {"layer_names": None, "until_index": None}, "layer-names-type", "/layer_names"),
        ("freeze", {"until_index": 9, "layer_names": ["in", 1]}, "layer-names-type", "/layer_names/1"),
        ("freeze", {"until_index": None, "layer_names": ["in", "x"]}, "layer-names-unknown", "/layer_names/1"),
        ("freeze", {"until_index": None}, "until-index-type", "/until_index"),
        ("freeze", {"until_index": 1.0}, "until-index-type", "/until_index"),
        ("freeze", {"until_index": -1}, "until-index-range", "/until_index"),
        ("freeze", {"until_index": 3}, "until-index-range", "/until_index"),
        ("unfreeze", {"all_layers": True, "layer_names": ["x"]}, "layer-names-unknown", "/layer_names/0"),
        ("unfreeze", {"all_layers": 1}, "all-layers-type", "/all_layers"),
        ("unfreeze", {"all_layers": None}, "all-layers-type", "/all_layers"),
        ("apply", {"config": {"freeze_until": "x"}}, "freeze-until-unknown", "/config/freeze_until"),
        ("apply", {"config": {"freeze_until": 3}}, "freeze-until-unknown", "/config/freeze_until"),
    ],
)
def test_transfer_rules(op: str, arguments: dict[str, Any], code: str, path: str) -> None:
    assert rejection(f"transfer.{op}", checkpoint=CHECKPOINT, **arguments) == (f"transfer.{code}", path)


def test_the_oracle_asks_the_rules_of_rules_toml_in_their_order() -> None:
    known = list(all_rules())
    documents = (*checkpoint.RULES, *fine_tune.CONFIG_RULES, *fine_tune.TRANSFER_RULES)
    asked = [code for code, _ in documents] + ["transfer.freeze-until-unknown"]
    asked += [code for code, _ in (*network.RULES, *stimulus.SIMULATE_RULES)] + ["simulate.non-finite"]
    assert [known.index(code) for code in asked] == sorted(known.index(code) for code in asked)
    assert (limit("depth"), limit("layers"), limit("steps")) == (json_text.DEPTH, network.LAYERS, stimulus.STEPS)
    assert limit("integer") == values.LARGEST_INTEGER
