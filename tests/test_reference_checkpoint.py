"""SNNCheckpoint as a Python user meets it."""

import copy
import json
import math
import pickle
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from spikeparity.rejection import RejectedError
from spikeparity.transfer import SNNCheckpoint


def checkpoint(**changes: Any) -> SNNCheckpoint:
    arguments: dict[str, Any] = {
        "weights": [np.arange(6.0).reshape(3, 2), np.ones((1, 3))],
        "layer_names": ["hidden", "out"],
        "layer_sizes": [(2, 3), (3, 1)],
    }
    return SNNCheckpoint(**{**arguments, **changes})


def rejection(**changes: Any) -> tuple[str, str]:
    with pytest.raises(RejectedError) as rejected:
        checkpoint(**changes)
    return rejected.value.code, rejected.value.path


def test_a_checkpoint_counts_its_layers_and_parameters() -> None:
    assert (checkpoint().n_layers, checkpoint().total_params) == (2, 9)


def test_the_fields_have_the_defaults_of_the_tutorials() -> None:
    it = checkpoint()
    assert (it.neuron_types, it.metadata, it.frozen_layers) == ([], {}, [])
    assert it.layer_sizes == [(2, 3), (3, 1)]


def test_a_network_without_layers_is_a_checkpoint() -> None:
    assert SNNCheckpoint([], [], []).total_params == 0


def test_arguments_may_be_positional() -> None:
    it = SNNCheckpoint([np.ones((1, 2))], ["a"], [(2, 1)], ["lif"], {"k": 1}, ["a"])
    assert (it.neuron_types, it.metadata, it.frozen_layers) == (["lif"], {"k": 1}, ["a"])


def test_arrays_are_copied() -> None:
    mine = np.zeros((3, 2))
    it = checkpoint(weights=[mine, np.ones((1, 3))])
    mine[0, 0] = 7.0
    it.weights[1][0, 0] = 5.0
    assert it.weights[0][0, 0] == 0.0
    assert not np.shares_memory(it.weights[0], mine)


def test_lists_and_metadata_are_copied() -> None:
    names, metadata = ["hidden", "out"], {"runs": [1, {"a": 2}]}
    it = checkpoint(layer_names=names, metadata=metadata)
    names[0] = "changed"
    metadata["runs"][1]["a"] = 3
    assert it.layer_names[0] == "hidden"
    assert it.metadata == {"runs": [1, {"a": 2}]}


def test_frozen_layers_are_sorted_by_code_point_without_duplicates() -> None:
    names = ["\U00010000", "\uffff", "b", "a"]
    it = SNNCheckpoint([[]] * 4, names, [(0, 0)] * 4, frozen_layers=[*names, "a"])
    assert it.frozen_layers == ["a", "b", "\uffff", "\U00010000"]


def test_names_equal_only_after_normalisation_are_different_names() -> None:
    assert SNNCheckpoint([[], []], ["é", "e\u0301"], [(0, 0)] * 2).n_layers == 2


def test_generators_arrays_and_tuples_serve_as_lists() -> None:
    weights: Iterator[Any] = (np.ones((2, 2)) for _ in range(2))
    it = SNNCheckpoint(weights, (name for name in "ab"), np.full((2, 2), 2), neuron_types=np.array(["if", "lif"]))
    assert (it.layer_names, it.layer_sizes, it.neuron_types) == (["a", "b"], [(2, 2), (2, 2)], ["if", "lif"])
    assert [type(name) for name in it.neuron_types] == [str, str]
    assert json.dumps(it.layer_sizes) == "[[2, 2], [2, 2]]"


def test_nested_lists_serve_as_weights() -> None:
    it = checkpoint(weights=[[[1, 2], (3, 4.5), np.array([5.0, 6.0])], [[1, 2, 3]]])
    assert it.weights[0].tolist() == [[1.0, 2.0], [3.0, 4.5], [5.0, 6.0]]
    assert it.weights[0].dtype == np.float64


@pytest.mark.parametrize("dtype", ["f2", "f4", "f8", ">f8", ">f4", "i1", "u1", "i4", "u8", "i8", "g"])
def test_real_types_are_widened_exactly(dtype: str) -> None:
    it = checkpoint(weights=[np.arange(6).reshape(3, 2).astype(dtype), np.ones((1, 3), dtype)])
    assert it.weights[0].tolist() == [[0.0, 1.0], [2.0, 3.0], [4.0, 5.0]]
    assert it.weights[0].dtype == np.float64
    assert it.weights[0].dtype.isnative


def test_strided_and_fortran_arrays_keep_their_values() -> None:
    base = np.arange(24.0).reshape(4, 6)
    it = checkpoint(weights=[base[1:, ::3], np.asfortranarray(base[:1, :3])])
    assert it.weights[0].tolist() == [[6.0, 9.0], [12.0, 15.0], [18.0, 21.0]]


def test_minus_zero_and_subnormals_survive() -> None:
    weights = np.array([[-0.0, 5e-324], [1e308, -5e-324], [0.0, 1.0]])
    assert checkpoint(weights=[weights, np.ones((1, 3))]).weights[0].tobytes() == weights.tobytes()


@pytest.mark.parametrize("value", [2**53 + 1, -(2**53) - 1, 2**63 - 1])
def test_a_typed_integer_that_binary64_cannot_hold_is_rejected(value: int) -> None:
    weights = np.zeros((3, 2), dtype=np.int64)
    weights[1, 1] = value
    assert rejection(weights=[weights, np.ones((1, 3))]) == ("checkpoint.weight-type", "/weights/0/1/1")


@pytest.mark.parametrize("value", [2**53, 2**53 + 2, -(2**63), 2**62])
def test_a_large_typed_integer_that_binary64_holds_is_accepted(value: int) -> None:
    weights = np.full((3, 2), value, dtype=np.int64)
    assert checkpoint(weights=[weights, np.ones((1, 3))]).weights[0][0, 0] == value


def test_an_unsigned_integer_that_binary64_cannot_hold_is_rejected() -> None:
    weights = np.full((3, 2), 2**64 - 1, dtype=np.uint64)
    assert rejection(weights=[weights, np.ones((1, 3))]) == ("checkpoint.weight-type", "/weights/0/0/0")


@pytest.mark.skipif(np.finfo(np.longdouble).nmant <= 52, reason="long double is binary64 here")
def test_a_long_double_that_binary64_cannot_hold_is_rejected() -> None:
    weights = np.ones((3, 2), dtype=np.longdouble)
    weights[2, 0] += np.finfo(np.longdouble).eps
    assert rejection(weights=[weights, np.ones((1, 3))]) == ("checkpoint.weight-type", "/weights/0/2/0")
    assert rejection(weights=[weights.tolist(), np.ones((1, 3))]) == ("checkpoint.weight-type", "/weights/0/2/0")


@pytest.mark.parametrize("dtype", ["c16", "c8", "?", "O", "U3", "S3", "M8[s]", "m8[s]"])
def test_other_types_of_array_are_rejected_never_converted(dtype: str) -> None:
    weights = np.zeros((1, 3), dtype=dtype)
    assert rejection(weights=[np.zeros((3, 2)), weights]) == ("checkpoint.weight-type", "/weights/1")


def test_a_masked_array_is_rejected() -> None:
    assert rejection(weights=[np.ma.masked_array(np.ones((3, 2)), mask=True), np.ones((1, 3))])[1] == "/weights/0"


@pytest.mark.parametrize("leaf", [True, "1", None, {}, 1j, np.True_, np.complex64(1), b"1", "nan"])
def test_a_leaf_that_is_no_number_is_rejected(leaf: Any) -> None:
    assert rejection(weights=[np.zeros((3, 2)), [[0.0, leaf, 1.0]]]) == ("checkpoint.weight-type", "/weights/1/0/1")


@pytest.mark.parametrize("leaf", ["NaN", "-Infinity", math.nan, math.inf, 10**400, np.float32("inf")])
def test_a_leaf_that_is_not_finite_is_rejected(leaf: Any) -> None:
    assert rejection(weights=[np.zeros((3, 2)), [[0.0, 1.0, leaf]]]) == ("checkpoint.weight-finite", "/weights/1/0/2")


def test_an_array_that_is_not_finite_is_rejected() -> None:
    assert rejection(weights=[np.zeros((3, 2)), np.array([[0, -np.inf, np.nan]])])[1] == "/weights/1/0/1"


def test_a_tensor_of_another_library_serves_as_an_array() -> None:
    class Tensor:
        def __array__(self, dtype: Any = None, copy: Any = None) -> Any:
            return np.ones((3, 2), dtype=np.float32)

    assert checkpoint(weights=[Tensor(), np.ones((1, 3))]).weights[0].sum() == 6.0


def test_a_tensor_that_cannot_become_an_array_is_rejected_with_its_reason() -> None:
    class Tensor:
        def __array__(self, dtype: Any = None, copy: Any = None) -> Any:
            raise RuntimeError("call detach first")

    with pytest.raises(RejectedError, match="call detach first") as rejected:
        checkpoint(weights=[Tensor(), np.ones((1, 3))])
    assert (rejected.value.code, rejected.value.path) == ("checkpoint.weight-type", "/weights/0")


@pytest.mark.parametrize(
    "matrix", [np.zeros(3), np.zeros((3, 2, 1)), np.float64(1), [[1.0], 2.0], 5, [[1.0, 2.0], [1.0]]]
)
def test_what_is_no_matrix_is_rejected(matrix: Any) -> None:
    assert rejection(weights=[matrix, np.ones((1, 3))]) == ("checkpoint.weight-rank", "/weights/0")


def test_a_transposed_matrix_is_rejected() -> None:
    assert rejection(weights=[np.zeros((2, 3)), np.ones((1, 3))]) == ("checkpoint.weight-shape", "/weights/0")


def test_an_empty_list_is_a_matrix_of_no_outputs_and_any_inputs() -> None:
    it = SNNCheckpoint([[], [[], []]], ["a", "b"], [(7, 0), (0, 2)])
    assert [weights.shape for weights in it.weights] == [(0, 7), (2, 0)]


def test_an_empty_array_has_the_shape_that_it_says() -> None:
    with pytest.raises(RejectedError) as rejected:
        SNNCheckpoint([np.zeros((0, 5))], ["a"], [(7, 0)])
    assert rejected.value.code == "checkpoint.weight-shape"


@pytest.mark.parametrize(
    ("changes", "code", "path"),
    [
        ({"layer_names": "ab"}, "checkpoint.names-type", "/layer_names"),
        ({"layer_names": {"hidden": 1, "out": 2}}, "checkpoint.names-type", "/layer_names"),
        ({"layer_names": ["hidden", 1]}, "checkpoint.names-type", "/layer_names/1"),
        ({"layer_names": ["hidden", "\ud800"]}, "checkpoint.names-type", "/layer_names/1"),
        ({"layer_names": {"hidden", "out"}}, "checkpoint.names-type", "/layer_names"),
        ({"layer_names": None}, "checkpoint.names-type", "/layer_names"),
        ({"layer_names": ["out", "out"]}, "checkpoint.names-unique", "/layer_names/1"),
        ({"weights": [np.ones((3, 2))]}, "checkpoint.weights-count", "/weights"),
        ({"layer_sizes": [(2, 3)]}, "checkpoint.sizes-count", "/layer_sizes"),
        ({"layer_sizes": [(2, 3), (3, 1.0)]}, "checkpoint.sizes-type", "/layer_sizes/1"),
        ({"layer_sizes": [(2, 3), (3, -1)]}, "checkpoint.sizes-type", "/layer_sizes/1"),
        ({"layer_sizes": [(2, 3), (3, True)]}, "checkpoint.sizes-type", "/layer_sizes/1"),
        ({"layer_sizes": [(2, 3), (3, np.True_)]}, "checkpoint.sizes-type", "/layer_sizes/1"),
        ({"layer_sizes": [(2, 3), {3, 1}]}, "checkpoint.sizes-type", "/layer_sizes/1"),
        ({"neuron_types": "if"}, "checkpoint.types-type", "/neuron_types"),
        ({"neuron_types": ["if"]}, "checkpoint.types-count", "/neuron_types"),
        ({"frozen_layers": "out"}, "checkpoint.frozen-type", "/frozen_layers"),
        ({"frozen_layers": ["hidden", "in"]}, "checkpoint.frozen-unknown", "/frozen_layers/1"),
        ({"metadata": []}, "checkpoint.metadata-type", "/metadata"),
        ({"metadata": {"a": {"b": [1, math.nan]}}}, "checkpoint.metadata-type", "/metadata/a/b/1"),
        ({"metadata": {"a~/": math.inf}}, "checkpoint.metadata-type", "/metadata/a~0~1"),
        ({"metadata": {"a": {1: 2}}}, "checkpoint.metadata-type", "/metadata/a"),
        ({"metadata": {"a": object()}}, "checkpoint.metadata-type", "/metadata/a"),
        ({"metadata": {"a": np.int64(1)}}, "checkpoint.metadata-type", "/metadata/a"),
        ({"metadata": {"a": {1, 2}}}, "checkpoint.metadata-type", "/metadata/a"),
        ({"metadata": {"a": "\udfff"}}, "checkpoint.metadata-type", "/metadata/a"),
        ({"metadata": {"a": 10**400}}, "checkpoint.metadata-type", "/metadata/a"),
    ],
)
def test_a_broken_rule_names_its_code_and_the_datum(changes: dict[str, Any], code: str, path: str) -> None:
    assert rejection(**changes) == (code, path)


def test_metadata_that_contains_itself_is_rejected() -> None:
    metadata: dict[str, Any] = {}
    metadata["self"] = metadata
    assert rejection(metadata=metadata)[0] == "checkpoint.metadata-type"


def test_numpy_integers_are_integers() -> None:
    it = checkpoint(layer_sizes=[(np.int32(2), np.uint8(3)), np.array([3, 1])])
    assert it.layer_sizes == [(2, 3), (3, 1)]
    assert type(it.layer_sizes[0][0]) is int


def test_rules_are_reported_in_their_order_not_in_that_of_the_arguments() -> None:
    assert rejection(weights=[np.full((3, 2), np.nan), np.zeros((1, 3), complex)]) == (
        "checkpoint.weight-type",
        "/weights/1",
    )


def test_a_checkpoint_changed_by_hand_can_be_validated_again() -> None:
    it = checkpoint()
    it.validate()
    it.weights[1][0, 2] = np.nan
    with pytest.raises(RejectedError) as rejected:
        it.validate()
    assert (rejected.value.code, rejected.value.path) == ("checkpoint.weight-finite", "/weights/1/0/2")


def test_attributes_of_the_users_own_do_not_disturb() -> None:
    it = checkpoint()
    it.note = "mine"
    it.validate()


def test_checkpoints_are_compared_by_value() -> None:
    other = checkpoint()
    assert checkpoint() == other
    other.weights[0][0, 0] = 9.0
    assert checkpoint() != other
    assert checkpoint() != "a checkpoint"


def test_checkpoints_can_be_copied_and_pickled() -> None:
    assert copy.deepcopy(checkpoint()) == checkpoint()
    assert pickle.loads(pickle.dumps(checkpoint())) == checkpoint()


def test_rejections_are_value_errors_that_can_be_pickled() -> None:
    error = pickle.loads(pickle.dumps(RejectedError("a.b", "/c", "message")))
    assert isinstance(error, ValueError)
    assert (error.code, error.path, error.message) == ("a.b", "/c", "message")
    assert str(error) == "message [a.b at /c]"


def test_a_document_makes_the_same_checkpoint() -> None:
    document = {"weights": [[[1, 2]]], "layer_names": ["a"], "layer_sizes": [[2, 1]], "metadata": {"x": 0.5}}
    assert SNNCheckpoint.from_document(document) == SNNCheckpoint([[[1, 2]]], ["a"], [(2, 1)], metadata={"x": 0.5})


def test_a_document_without_a_required_key_is_rejected() -> None:
    with pytest.raises(RejectedError) as rejected:
        SNNCheckpoint.from_document({"layer_names": []})
    assert (rejected.value.code, rejected.value.path) == ("checkpoint.missing-key", "/layer_sizes")
