"""Sidecars of checkpoint pairs: the rules up to the archive, and what an accepted one is known by."""

from std.collections import Dict

from .archive import Due
from .checkpoint import (
    Checkpoint,
    checkpoint_frozen,
    checkpoint_metadata_type,
    checkpoint_missing_key,
    checkpoint_names_unique,
    checkpoint_neuron_types,
    checkpoint_object,
    checkpoint_sizes_count,
    checkpoint_sizes_type,
    checkpoint_unknown_key,
    named_layers,
    names_type,
)
from .document import Document
from .network import (
    check_neurons,
    layer_nodes,
    network_missing_key,
    network_object,
    network_parts,
    network_readout,
    network_unknown_key,
)
from .npy import SATURATED, elements
from .rules import MAX_LAYERS, Rejection

comptime DIGEST_DIGITS = 64


struct Sidecar(Movable):
    """An accepted sidecar."""

    var checkpoint: Checkpoint
    """Names, frozen layers and the number of parameters."""
    var format_version: Int
    """1 or 2."""
    var dues: List[Due]
    """The members that the archive must have."""
    var digest: Optional[String]
    """The digest of the archive, where it is bound to one."""

    def __init__(
        out self,
        var checkpoint: Checkpoint,
        format_version: Int,
        var dues: List[Due],
    ):
        """Starts without a digest.

        Args:
            checkpoint: Names, frozen layers and the number of parameters.
            format_version: 1 or 2.
            dues: The members that the archive must have.
        """
        self.checkpoint = checkpoint^
        self.format_version = format_version
        self.dues = dues^
        self.digest = None


def read_sidecar(document: Document) raises Rejection -> Sidecar:
    """Validates a sidecar.

    Args:
        document: The sidecar.

    Returns:
        What it is known by.

    Raises:
        Rejection: The first broken rule from checkpoint.object to checkpoint.digest-type.
    """
    var root = document.root
    checkpoint_object(document, root)
    checkpoint_unknown_key(
        document,
        root,
        [
            "n_layers",
            "layer_names",
            "layer_sizes",
            "total_params",
            "neuron_types",
            "metadata",
            "frozen_layers",
            "format_version",
            "network",
            "archive_digest",
        ],
    )
    checkpoint_missing_key(
        document,
        root,
        ["n_layers", "layer_names", "layer_sizes", "total_params"],
    )
    var version = checkpoint_format_version(document, root)
    var network = checkpoint_network(document, root, version)
    var names = document.member(root, "layer_names").value()
    var sizes = document.member(root, "layer_sizes").value()
    names_type(document, names, "checkpoint.names-type")
    var indices = checkpoint_names_unique(document, names)
    checkpoint_sizes_count(document, sizes, len(indices))
    checkpoint_sizes_type(document, sizes)
    checkpoint_neuron_types(document, root, len(indices))
    checkpoint_frozen(document, root, indices)
    checkpoint_metadata_type(document, root)
    if network:
        check_network(document, network.value(), sizes, len(indices))
    checkpoint_layer_count(document, root, len(indices))
    var dues = members_due(document, sizes, network)
    var checkpoint = named_layers(document, root, indices^)
    checkpoint.total_params = checkpoint_parameter_count(document, root, dues)
    var sidecar = Sidecar(checkpoint^, version, dues^)
    sidecar.digest = checkpoint_digest_type(document, root)
    return sidecar^


def checkpoint_format_version(
    document: Document, root: Int
) raises Rejection -> Int:
    """Raises checkpoint.format-version unless format_version is 1 (the default) or 2; else returns it."""
    var node = document.member(root, "format_version")
    if not node:
        return 1
    var version = document.integer(node.value()).or_else(0)
    if version != 1 and version != 2:
        raise document.reject(
            "checkpoint.format-version", node.value(), "the Integer 1 or 2"
        )
    return version


def checkpoint_network(
    document: Document, root: Int, version: Int
) raises Rejection -> Optional[Int]:
    """Raises checkpoint.network unless there is a network in format 2 alone; else returns it."""
    var network = document.member(root, "network")
    if network and version == 1:
        raise document.reject_because(
            "checkpoint.network", network.value(), "is there in format 1"
        )
    if not network and version == 2:
        raise document.reject_missing("checkpoint.network", root, "network")
    return network


def check_network(
    document: Document, root: Int, sizes: Int, layers: Int
) raises Rejection:
    """Checks the network of a sidecar of format 2.

    Args:
        document: The sidecar.
        root: The network.
        sizes: The layer sizes, one per layer.
        layers: How many layers there are by name.

    Raises:
        Rejection: A rule of the stage `network`.
    """
    var parts = network_parts(document, root)
    network_object(document, parts)
    network_unknown_key(document, parts)
    network_missing_key(document, parts)
    stored_network_layers(document, root, layers)
    var nodes = layer_nodes(document, root)
    network_member(document, nodes)
    stored_network_chain(document, nodes, sizes)
    check_neurons(document, nodes)
    network_readout(document, root)


def stored_network_layers(
    document: Document, root: Int, due: Int
) raises Rejection:
    """Raises network.layers unless layers is an array of 1 to MAX_LAYERS, one per layer name."""
    var layers = document.member(root, "layers").value()
    if (
        not document.is_array(layers)
        or document.size(layers) != due
        or due < 1
        or due > MAX_LAYERS
    ):
        raise document.reject(
            "network.layers",
            layers,
            String("an array of 1 to ", MAX_LAYERS, " layers, one per name"),
        )


def network_member(document: Document, layers: List[Int]) raises Rejection:
    """Raises network.member unless weights and bias of each layer are references to the members due."""
    for i in range(len(layers)):
        var weights = document.member(layers[i], "weights").value()
        _require_member(document, weights, String("layer_", i))
        var bias = document.member(layers[i], "bias")
        if bias:
            _require_member(document, bias.value(), String("bias_", i))


def _require_member(
    document: Document, node: Int, name: String
) raises Rejection:
    """Raises network.member unless a value is a reference to one particular member and nothing else."""
    var member = document.member(node, "member")
    if (
        document.size(node) != 1
        or not member
        or not document.is_text(member.value(), name)
    ):
        raise document.reject(
            "network.member", node, String('{"member": "', name, '"}')
        )


def stored_network_chain(
    document: Document, layers: List[Int], sizes: Int
) raises Rejection:
    """Raises network.chain where a layer size does not begin with what the one before ends with."""
    for i in range(1, len(layers)):
        var due = size_at(document, sizes, i - 1, 1)
        var got = size_at(document, sizes, i, 0)
        if got != due:
            raise document.reject_because(
                "network.chain",
                document.member(layers[i], "weights").value(),
                String(
                    "expected ",
                    due,
                    " inputs, the outputs of layer ",
                    i - 1,
                    ", got ",
                    got,
                ),
            )


def size_at(document: Document, sizes: Int, layer: Int, which: Int) -> Int:
    """Reads a layer size.

    Args:
        document: Holds the sizes.
        sizes: An array of valid pairs.
        layer: The index of a layer.
        which: 0 for its inputs, 1 for its outputs.

    Returns:
        The size.
    """
    # A pair is three nodes: the array, input_features, output_features.
    return document.integer(sizes + 1 + 3 * layer + 1 + which).or_else(0)


def members_due(
    document: Document, sizes: Int, network: Optional[Int]
) -> List[Due]:
    """Lists the members that the archive must have.

    Args:
        document: The sidecar.
        sizes: Its layer sizes.
        network: Its network, if it has one.

    Returns:
        The members in due order: for each layer its weights, then its bias.
    """
    var layers: List[Int] = []
    if network:
        layers = layer_nodes(document, network.value())
    var dues: List[Due] = []
    for i in range(document.size(sizes)):
        var inputs = size_at(document, sizes, i, 0)
        var outputs = size_at(document, sizes, i, 1)
        dues.append(
            Due(String("layer_", i), [outputs, inputs], String("/weights/", i))
        )
        if network and document.member(layers[i], "bias"):
            dues.append(
                Due(String("bias_", i), [outputs], String("/biases/", i))
            )
    return dues^


def checkpoint_layer_count(
    document: Document, root: Int, layers: Int
) raises Rejection:
    """Raises checkpoint.layer-count unless n_layers is the number of layer names."""
    var node = document.member(root, "n_layers").value()
    if document.integer(node).or_else(-1) != layers:
        raise document.reject(
            "checkpoint.layer-count",
            node,
            String("the number of layer names, ", layers),
        )


def checkpoint_parameter_count(
    document: Document, root: Int, dues: List[Due]
) raises Rejection -> Int:
    """Raises checkpoint.parameter-count unless total_params is the number of elements of all members due, which is returned."""
    var total = 0
    for due in dues:
        total = min(total + elements(due.shape), SATURATED)
    var node = document.member(root, "total_params").value()
    if document.integer(node).or_else(-1) != total:
        raise document.reject(
            "checkpoint.parameter-count",
            node,
            String("the number of elements of all members, ", total),
        )
    return total


def checkpoint_digest_type(
    document: Document, root: Int
) raises Rejection -> Optional[String]:
    """Raises checkpoint.digest-type unless archive_digest, where there is one, is a string of 64 digits, which is returned."""
    var node = document.member(root, "archive_digest")
    if not node:
        return None
    var valid = document.is_string(node.value())
    if valid:
        var text = document.text(node.value())
        valid = text.byte_length() == DIGEST_DIGITS and is_hex(text.as_bytes())
    if not valid:
        raise document.reject(
            "checkpoint.digest-type",
            node.value(),
            "a string of 64 digits 0-9a-f",
        )
    return String(document.text(node.value()))


def is_hex(text: Span[UInt8, _]) -> Bool:
    """Looks for anything but lower-case hexadecimal digits.

    Args:
        text: The characters.

    Returns:
        True where there is nothing else.
    """
    for byte in text:
        var decimal = byte >= UInt8(ord("0")) and byte <= UInt8(ord("9"))
        if not decimal and (byte < UInt8(ord("a")) or byte > UInt8(ord("f"))):
            return False
    return True
