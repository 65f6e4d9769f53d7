"""Freezing of layers and transfer configs as a Python user meets them."""

import math
from typing import Any

import numpy as np
import pytest
from spikeparity.rejection import RejectedError
from spikeparity.transfer import (
    SNNCheckpoint,
    TransferConfig,
    apply_transfer_config,
    freeze_layers,
    unfreeze_layers,
)


@pytest.fixture
def three() -> SNNCheckpoint:
    return SNNCheckpoint([np.ones((2, 2))] * 3, ["c", "b", "a"], [(2, 2)] * 3)


def rejection(call: Any, *arguments: Any, **named: Any) -> tuple[str, str]:
    with pytest.raises(RejectedError) as rejected:
        call(*arguments, **named)
    return rejected.value.code, rejected.value.path


def test_the_tutorial_runs_with_only_the_package_name_changed() -> None:
    checkpoint = SNNCheckpoint(
        weights=[np.random.default_rng(0).normal(size=(32, 64)), np.zeros((10, 32))],
        layer_names=["hidden", "output"],
        layer_sizes=[(64, 32), (32, 10)],
    )
    freeze_layers(checkpoint, layer_names=["hidden"])
    checkpoint, rates = apply_transfer_config(checkpoint, TransferConfig(freeze_until="hidden", lr_head=0.005))
    assert (checkpoint.frozen_layers, rates) == (["hidden"], [0.0, 0.005])
    unfreeze_layers(checkpoint, all_layers=True)
    assert checkpoint.frozen_layers == []


def test_operations_change_and_return_the_same_object(three: SNNCheckpoint) -> None:
    assert freeze_layers(three, ["a"]) is three
    assert unfreeze_layers(three, ["a"]) is three
    assert apply_transfer_config(three, TransferConfig())[0] is three


def test_until_index_is_inclusive(three: SNNCheckpoint) -> None:
    assert freeze_layers(three, until_index=1).frozen_layers == ["b", "c"]


def test_names_and_index_add_up(three: SNNCheckpoint) -> None:
    assert freeze_layers(three, ["a"], until_index=0).frozen_layers == ["a", "c"]


def test_without_arguments_nothing_changes(three: SNNCheckpoint) -> None:
    freeze_layers(three, ["a"])
    assert freeze_layers(three).frozen_layers == ["a"]
    assert unfreeze_layers(three).frozen_layers == ["a"]


def test_freezing_the_frozen_and_unfreezing_the_others_is_no_fault(three: SNNCheckpoint) -> None:
    freeze_layers(freeze_layers(three, ["a"]), ["a"])
    assert unfreeze_layers(three, ["b"]).frozen_layers == ["a"]


def test_all_layers_unfreezes_every_layer(three: SNNCheckpoint) -> None:
    freeze_layers(three, until_index=2)
    assert unfreeze_layers(three, ["a"], all_layers=True).frozen_layers == []


@pytest.mark.parametrize(
    "names", [(n for n in ["a", "c"]), {"a", "c"}, ("a", "c"), np.array(["a", "c"]), {"a": 1, "c": 2}.keys()]
)
def test_any_iterable_of_names_is_a_list_of_names(three: SNNCheckpoint, names: Any) -> None:
    assert freeze_layers(three, names).frozen_layers == ["a", "c"]
    assert all(type(name) is str for name in three.frozen_layers)


@pytest.mark.parametrize("names", ["a", b"a", 1, {"a": 1}, np.array("a")])
def test_a_string_is_not_a_list_of_names_nor_is_a_mapping(three: SNNCheckpoint, names: Any) -> None:
    assert rejection(freeze_layers, three, names) == ("transfer.layer-names-type", "/layer_names")
    assert rejection(unfreeze_layers, three, names) == ("transfer.layer-names-type", "/layer_names")


@pytest.mark.parametrize(
    ("arguments", "code", "path"),
    [
        ({"layer_names": ["a", 1]}, "transfer.layer-names-type", "/layer_names/1"),
        ({"layer_names": ["a", "A"]}, "transfer.layer-names-unknown", "/layer_names/1"),
        ({"until_index": "0"}, "transfer.until-index-type", "/until_index"),
        ({"until_index": 1.0}, "transfer.until-index-type", "/until_index"),
        ({"until_index": True}, "transfer.until-index-type", "/until_index"),
        ({"until_index": np.True_}, "transfer.until-index-type", "/until_index"),
        ({"until_index": 2**53}, "transfer.until-index-type", "/until_index"),
        ({"until_index": -1}, "transfer.until-index-range", "/until_index"),
        ({"until_index": 3}, "transfer.until-index-range", "/until_index"),
        ({"layer_names": ["z"], "until_index": 9}, "transfer.layer-names-unknown", "/layer_names/0"),
    ],
)
def test_a_rejected_freeze_leaves_the_checkpoint_as_it_was(
    three: SNNCheckpoint, arguments: dict[str, Any], code: str, path: str
) -> None:
    freeze_layers(three, ["b"])
    assert rejection(freeze_layers, three, **arguments) == (code, path)
    assert three.frozen_layers == ["b"]


def test_a_rejected_unfreeze_leaves_the_checkpoint_as_it_was(three: SNNCheckpoint) -> None:
    freeze_layers(three, ["b"])
    assert rejection(unfreeze_layers, three, ["b", "z"]) == ("transfer.layer-names-unknown", "/layer_names/1")
    assert rejection(unfreeze_layers, three, ["b", "z"], all_layers=True)[0] == "transfer.layer-names-unknown"
    assert rejection(unfreeze_layers, three, ["b"], all_layers=1) == ("transfer.all-layers-type", "/all_layers")
    assert three.frozen_layers == ["b"]


def test_numpy_integers_are_indices(three: SNNCheckpoint) -> None:
    assert freeze_layers(three, until_index=np.int64(0)).frozen_layers == ["c"]
    assert apply_transfer_config(three, TransferConfig(freeze_until=np.int8(1)))[1] == [0.0, 0.0, 0.01]


def test_rates_follow_the_layers_frozen_before_or_now(three: SNNCheckpoint) -> None:
    freeze_layers(three, ["a"])
    _, rates = apply_transfer_config(three, TransferConfig(freeze_until="c", lr_backbone=0.5, lr_head=2.0))
    assert (three.frozen_layers, rates) == (["a", "c"], [0.5, 2.0, 0.5])


def test_minus_one_freezes_nothing_more(three: SNNCheckpoint) -> None:
    assert apply_transfer_config(three, TransferConfig(freeze_until=-1)) == (three, [0.01] * 3)


@pytest.mark.parametrize("until", ["z", 3])
def test_a_layer_that_is_not_there_cannot_be_frozen_until(three: SNNCheckpoint, until: Any) -> None:
    config = TransferConfig(freeze_until=until)
    assert rejection(apply_transfer_config, three, config) == ("transfer.freeze-until-unknown", "/config/freeze_until")
    assert three.frozen_layers == []


@pytest.mark.parametrize(
    ("member", "value", "code"),
    [
        ("freeze_until", True, "config.freeze-until-type"),
        ("freeze_until", 1.0, "config.freeze-until-type"),
        ("freeze_until", None, "config.freeze-until-type"),
        ("freeze_until", 2**53, "config.freeze-until-type"),
        ("freeze_until", -2, "config.freeze-until-range"),
        ("lr_head", True, "config.learning-rate-type"),
        ("lr_head", np.True_, "config.learning-rate-type"),
        ("lr_head", "0.1", "config.learning-rate-type"),
        ("lr_backbone", 1j, "config.learning-rate-type"),
        ("lr_backbone", math.nan, "config.learning-rate-range"),
        ("lr_head", math.inf, "config.learning-rate-range"),
        ("lr_head", 10**400, "config.learning-rate-range"),
        ("lr_head", -5e-324, "config.learning-rate-range"),
    ],
)
def test_a_config_is_checked_when_made_and_again_when_applied(
    three: SNNCheckpoint, member: str, value: Any, code: str
) -> None:
    assert rejection(TransferConfig, **{member: value}) == (code, f"/{member}")
    config = TransferConfig()
    setattr(config, member, value)
    assert rejection(apply_transfer_config, three, config) == (code, f"/config/{member}")
    assert three.frozen_layers == []


def test_a_config_holds_pythons_own_numbers() -> None:
    config = TransferConfig(freeze_until=np.int64(2), lr_backbone=np.float32(0.5), lr_head=1)
    assert config == TransferConfig(2, 0.5, 1.0)
    assert [type(value) for value in vars(config).values()] == [int, float, float]


def test_a_learning_rate_of_minus_zero_is_accepted_and_keeps_its_sign() -> None:
    assert math.copysign(1.0, TransferConfig(lr_head=-0.0).lr_head) == -1.0


def test_the_first_learning_rate_at_fault_in_document_order_is_reported() -> None:
    document = {"lr_head": -1, "lr_backbone": -1}
    assert rejection(TransferConfig.from_document, document) == ("config.learning-rate-range", "/lr_head")


@pytest.mark.parametrize("operation", [freeze_layers, unfreeze_layers])
def test_a_checkpoint_changed_by_hand_is_validated_again(three: SNNCheckpoint, operation: Any) -> None:
    three.weights[2][1, 0] = math.inf
    assert rejection(operation, three) == ("checkpoint.weight-finite", "/checkpoint/weights/2/1/0")


def test_a_checkpoint_changed_by_hand_is_not_applied_to(three: SNNCheckpoint) -> None:
    three.frozen_layers = ["z"]
    assert rejection(apply_transfer_config, three, TransferConfig(freeze_until=0)) == (
        "checkpoint.frozen-unknown",
        "/checkpoint/frozen_layers/0",
    )
    assert three.frozen_layers == ["z"]


def test_frozen_layers_put_in_by_hand_are_sorted_and_counted_once_though_nothing_is_frozen_beside(
    three: SNNCheckpoint,
) -> None:
    three.frozen_layers = ["c", "a", "c"]
    assert apply_transfer_config(three, TransferConfig())[1] == [0.0, 0.01, 0.0]
    assert three.frozen_layers == ["a", "c"]


def test_a_config_applied_again_changes_nothing(three: SNNCheckpoint) -> None:
    config = TransferConfig(freeze_until="b")
    first = apply_transfer_config(three, config)[1]
    assert apply_transfer_config(three, config) == (three, first)
    assert three.frozen_layers == ["b", "c"]


def test_what_is_no_checkpoint_or_config_is_rejected(three: SNNCheckpoint) -> None:
    assert rejection(freeze_layers, {"layer_names": []}) == ("checkpoint.object", "/checkpoint")
    assert rejection(apply_transfer_config, three, {"freeze_until": 0}) == ("config.object", "/config")


@pytest.mark.parametrize(
    ("changes", "code", "path"),
    [
        ({"lr_backbone": math.nan}, "config.learning-rate-range", "/config/lr_backbone"),
        ({"lr_head": math.nan}, "config.learning-rate-range", "/config/lr_head"),
        ({"lr_head": math.inf}, "config.learning-rate-range", "/config/lr_head"),
        ({"lr_head": -1.0}, "config.learning-rate-range", "/config/lr_head"),
        ({"lr_head": True}, "config.learning-rate-type", "/config/lr_head"),
        ({"freeze_until": -2}, "config.freeze-until-range", "/config/freeze_until"),
        ({"freeze_until": 3}, "transfer.freeze-until-unknown", "/config/freeze_until"),
        ({"freeze_until": "z"}, "transfer.freeze-until-unknown", "/config/freeze_until"),
        ({"freeze_until": True}, "config.freeze-until-type", "/config/freeze_until"),
        ({"freeze_until": "\ud800"}, "config.freeze-until-type", "/config/freeze_until"),
    ],
)
def test_a_config_changed_by_hand_is_not_applied(
    three: SNNCheckpoint, changes: dict[str, Any], code: str, path: str
) -> None:
    config = TransferConfig()
    vars(config).update(changes)
    assert rejection(apply_transfer_config, three, config) == (code, path)
    assert three.frozen_layers == []


@pytest.mark.parametrize(
    ("changes", "code", "path"),
    [
        ({"layer_names": ["a", "a", "c"]}, "checkpoint.names-unique", "/checkpoint/layer_names/1"),
        ({"layer_names": "abc"}, "checkpoint.names-type", "/checkpoint/layer_names"),
        ({"frozen_layers": "a"}, "checkpoint.frozen-type", "/checkpoint/frozen_layers"),
        ({"frozen_layers": [[]]}, "checkpoint.frozen-type", "/checkpoint/frozen_layers/0"),
        ({"frozen_layers": None}, "checkpoint.frozen-type", "/checkpoint/frozen_layers"),
    ],
)
def test_names_changed_by_hand_are_looked_at_again(
    three: SNNCheckpoint, changes: dict[str, Any], code: str, path: str
) -> None:
    vars(three).update(changes)
    assert rejection(apply_transfer_config, three, TransferConfig(freeze_until=0)) == (code, path)
