"""Inline checkpoints: the rules of the stage `checkpoint`, and what an accepted one is known by."""

from std.collections import Dict

from .document import Document
from .matrix import finite, shape, weight_rank, weight_type
from .rules import Rejection


struct Checkpoint(Movable):
    """An accepted checkpoint, as far as validation and freezing need it."""

    var layer_names: List[String]
    """The names in document order, all different."""
    var indices: Dict[String, Int]
    """The index of each layer by its name."""
    var frozen: List[Bool]
    """One flag per layer."""
    var total_params: Int
    """The sum of input × output features."""

    def __init__(
        out self, var layer_names: List[String], var indices: Dict[String, Int]
    ):
        """Starts with nothing frozen and no parameters counted.

        Args:
            layer_names: The names in document order.
            indices: The index of each layer by its name.
        """
        self.frozen = List[Bool](length=len(layer_names), fill=False)
        self.layer_names = layer_names^
        self.indices = indices^
        self.total_params = 0

    def freeze(mut self, name: StringSpan, frozen: Bool):
        """Freezes or unfreezes a layer.

        Args:
            name: The name of a layer; another name changes nothing.
            frozen: What the layer is to be.
        """
        var index = self.indices.get(String(name))
        if index:
            self.frozen[index.value()] = frozen

    def freeze_until(mut self, last: Int):
        """Freezes the layers 0 to `last`, inclusive.

        Args:
            last: The index of a layer, or -1 for none.
        """
        for i in range(last + 1):
            self.frozen[i] = True

    def frozen_layers(self) -> List[String]:
        """Lists the frozen layers.

        Returns:
            Their names, sorted by code point, which is the order of their UTF-8 bytes.
        """
        var names: List[String] = []
        for i in range(len(self.layer_names)):
            if self.frozen[i]:
                names.append(self.layer_names[i])
        sort(names)
        return names^


def read_checkpoint(
    document: Document, root: Int
) raises Rejection -> Checkpoint:
    """Validates an inline checkpoint.

    Args:
        document: Holds the checkpoint.
        root: The checkpoint.

    Returns:
        The checkpoint.

    Raises:
        Rejection: The first broken rule of the stage `checkpoint`.
    """
    checkpoint_object(document, root)
    checkpoint_unknown_key(
        document,
        root,
        [
            "weights",
            "layer_names",
            "layer_sizes",
            "neuron_types",
            "metadata",
            "frozen_layers",
        ],
    )
    checkpoint_missing_key(
        document, root, ["layer_names", "layer_sizes", "weights"]
    )
    var names = document.member(root, "layer_names").value()
    var weights = document.member(root, "weights").value()
    var sizes = document.member(root, "layer_sizes").value()
    names_type(document, names, "checkpoint.names-type")
    var indices = checkpoint_names_unique(document, names)
    checkpoint_weights_count(document, weights, len(indices))
    checkpoint_sizes_count(document, sizes, len(indices))
    checkpoint_sizes_type(document, sizes)
    checkpoint_neuron_types(document, root, len(indices))
    checkpoint_frozen(document, root, indices)
    checkpoint_metadata_type(document, root)
    weight_type(document, weights, "checkpoint.weight-type")
    for matrix in document.items(weights):
        weight_rank(document, matrix, "checkpoint.weight-rank")
    checkpoint_weight_shape(document, weights, sizes)
    finite(document, weights, "checkpoint.weight-finite")
    return _accepted(document, root, indices^)


def _accepted(
    document: Document, root: Int, var indices: Dict[String, Int]
) -> Checkpoint:
    """Collects what is asked of a checkpoint that breaks no rule."""
    var checkpoint = named_layers(document, root, indices^)
    for matrix in document.items(document.member(root, "weights").value()):
        checkpoint.total_params += (
            shape(document, matrix).outputs * shape(document, matrix).inputs
        )
    return checkpoint^


def named_layers(
    document: Document, root: Int, var indices: Dict[String, Int]
) -> Checkpoint:
    """Collects the layers of a valid checkpoint or sidecar, its parameters not yet counted.

    Args:
        document: Holds it.
        root: The object with `layer_names` and `frozen_layers`.
        indices: The index of each layer by its name.

    Returns:
        Names and frozen layers.
    """
    var names: List[String] = []
    for name in document.items(document.member(root, "layer_names").value()):
        names.append(String(document.text(name)))
    var checkpoint = Checkpoint(names^, indices^)
    var frozen = document.member(root, "frozen_layers")
    if frozen:
        for name in document.items(frozen.value()):
            checkpoint.freeze(document.text(name), True)
    return checkpoint^


def checkpoint_object(document: Document, root: Int) raises Rejection:
    """Raises checkpoint.object unless the checkpoint is an object."""
    if not document.is_object(root):
        raise document.reject("checkpoint.object", root, "an object")


def checkpoint_unknown_key(
    document: Document, root: Int, known: List[StaticString]
) raises Rejection:
    """Raises checkpoint.unknown-key at a key that no checkpoint has."""
    for key in document.keys(root):
        if not document.is_one_of(key, known):
            raise document.reject_unknown("checkpoint.unknown-key", key, known)


def checkpoint_missing_key(
    document: Document, root: Int, required: List[StaticString]
) raises Rejection:
    """Raises checkpoint.missing-key at the first required key that is not there."""
    for name in required:
        if not document.member(root, name):
            raise document.reject_missing("checkpoint.missing-key", root, name)


def names_type(
    document: Document, names: Int, code: StaticString
) raises Rejection:
    """Raises `code` unless a value is a list of strings."""
    if not document.is_array(names):
        raise document.reject(code, names, "a list of strings")
    for name in document.items(names):
        if not document.is_string(name):
            raise document.reject(code, name, "a string")


def checkpoint_names_unique(
    document: Document, names: Int
) raises Rejection -> Dict[String, Int]:
    """Raises checkpoint.names-unique at the second of two equal names; else returns the index of each name."""
    var indices: Dict[String, Int] = {}
    for name in document.items(names):
        var text = String(document.text(name))
        if text in indices:
            raise document.reject_because(
                "checkpoint.names-unique",
                name,
                String(
                    "expected unique names, got ",
                    document.describe(name),
                    " again",
                ),
            )
        indices[text^] = len(indices)
    return indices^


def checkpoint_weights_count(
    document: Document, weights: Int, layers: Int
) raises Rejection:
    """Raises checkpoint.weights-count unless there is one entry per layer."""
    if not document.is_array(weights) or document.size(weights) != layers:
        raise document.reject(
            "checkpoint.weights-count",
            weights,
            String("one matrix for each of ", layers, " layers"),
        )


def checkpoint_sizes_count(
    document: Document, sizes: Int, layers: Int
) raises Rejection:
    """Raises checkpoint.sizes-count unless there is one entry per layer."""
    if not document.is_array(sizes) or document.size(sizes) != layers:
        raise document.reject(
            "checkpoint.sizes-count",
            sizes,
            String("one pair for each of ", layers, " layers"),
        )


def checkpoint_sizes_type(document: Document, sizes: Int) raises Rejection:
    """Raises checkpoint.sizes-type at an entry that is no pair of non-negative Integers."""
    for pair in document.items(sizes):
        var valid = document.is_array(pair) and document.size(pair) == 2
        for size in document.items(pair):
            valid = valid and document.integer(size).or_else(-1) >= 0
        if not valid:
            raise document.reject_because(
                "checkpoint.sizes-type",
                pair,
                "expected a pair of non-negative Integers",
            )


def checkpoint_neuron_types(
    document: Document, root: Int, layers: Int
) raises Rejection:
    """Raises checkpoint.types-type unless neuron_types is a list of strings, checkpoint.types-count unless there are none or one per layer."""
    var types = document.member(root, "neuron_types")
    if not types:
        return
    names_type(document, types.value(), "checkpoint.types-type")
    var count = document.size(types.value())
    if count != 0 and count != layers:
        raise document.reject(
            "checkpoint.types-count",
            types.value(),
            String("no entry or one for each of ", layers, " layers"),
        )


def checkpoint_frozen(
    document: Document, root: Int, indices: Dict[String, Int]
) raises Rejection:
    """Raises checkpoint.frozen-type unless frozen_layers is a list of strings, checkpoint.frozen-unknown at a name that no layer has."""
    var names = document.member(root, "frozen_layers")
    if not names:
        return
    names_type(document, names.value(), "checkpoint.frozen-type")
    names_known(document, names.value(), indices, "checkpoint.frozen-unknown")


def names_known(
    document: Document,
    names: Int,
    indices: Dict[String, Int],
    code: StaticString,
) raises Rejection:
    """Raises `code` at a name that no layer has."""
    for name in document.items(names):
        if String(document.text(name)) not in indices:
            raise document.reject(code, name, "the name of a layer")


def checkpoint_metadata_type(document: Document, root: Int) raises Rejection:
    """Raises checkpoint.metadata-type unless metadata is an object."""
    var metadata = document.member(root, "metadata")
    if metadata and not document.is_object(metadata.value()):
        raise document.reject(
            "checkpoint.metadata-type", metadata.value(), "an object"
        )


def checkpoint_weight_shape(
    document: Document, weights: Int, sizes: Int
) raises Rejection:
    """Raises checkpoint.weight-shape at a matrix that is not (output_features, input_features)."""
    var pair = sizes + 1
    for matrix in document.items(weights):
        # A pair is three nodes: the array, input_features, output_features.
        var inputs = document.integer(pair + 1).or_else(0)
        var outputs = document.integer(pair + 2).or_else(0)
        var got = shape(document, matrix)
        if got.outputs != outputs or (outputs > 0 and got.inputs != inputs):
            var reason = String(
                "expected shape (",
                outputs,
                ", ",
                inputs,
                "), got (",
                got.outputs,
                ", ",
                got.inputs,
                ")",
            )
            raise document.reject_because(
                "checkpoint.weight-shape", matrix, reason
            )
        pair += 3
