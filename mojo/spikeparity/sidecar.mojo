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
from .network_rules import (
    check_ends,
    check_parts,
    check_wiring,
    is_extent,
    network_weight_finite,
    network_weight_type,
)
from .npy import SATURATED, elements
from .parts import LayerKind, Part, Role, network_parts
from .rules import MAX_LAYERS, Rejection
from .shapes import Shapes, plan_layers

comptime DIGEST_DIGITS = 64


@fieldwise_init
struct Reference(TrivialRegisterPassable):
    """What stands for a member in a network."""

    var node: Int
    """The value in its place."""
    var has_shape: Bool
    """Whether it says the shape too."""


struct Sidecar(Movable):
    """An accepted sidecar."""

    var checkpoint: Checkpoint
    """Names, frozen layers and the number of parameters."""
    var format_version: Int
    """1 or 2."""
    var dues: List[Due]
    """The members that the archive must have."""
    var references: List[Reference]
    """What refers to each of them in the network of format 2."""
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
        self.references = []
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
    var dues: List[Due]
    var references: List[Reference] = []
    if network:
        var shapes = check_network(
            document, network.value(), sizes, len(indices)
        )
        dues = members_of_network(shapes, references)
    else:
        dues = members_of_layers(document, sizes)
    checkpoint_layer_count(document, root, len(indices))
    var checkpoint = named_layers(document, root, indices^)
    checkpoint.total_params = checkpoint_parameter_count(document, root, dues)
    var sidecar = Sidecar(checkpoint^, version, dues^)
    sidecar.references = references^
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
) raises Rejection -> Shapes:
    """Checks the network of a sidecar of format 2.

    Args:
        document: The sidecar.
        root: The network.
        sizes: The layer sizes, one per layer.
        layers: How many layers there are by name.

    Returns:
        Its layers with their shapes.

    Raises:
        Rejection: A rule of the stage `network`.
    """
    var parts = network_parts(document, root)
    check_parts(document, parts)
    stored_network_layers(document, root, layers)
    var sources = check_wiring(document, parts)
    network_member(document, parts)
    # Those of identities, which alone are here.
    for part in identities(parts):
        network_weight_type(document, part)
    network_weight_finite[DType.float64](document, identities(parts))
    var shapes = Shapes(
        document, root, plan_layers(document, parts, sources, sizes)
    )
    shapes.walk(document, sizes)
    check_ends(document, parts)
    return shapes^


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


def network_member(document: Document, parts: List[Part]) raises Rejection:
    """Raises network.member unless weights and biases, in due order, are references to the members due."""
    var layer = -1
    var branch = 0
    var bias: Optional[Int] = None
    for i in range(len(parts)):
        var part = parts[i]
        var name = String("layer_", layer)
        if part.role == Role.LAYER:
            layer += 1
            branch = 0
            bias = document.member(part.node, "bias")
            name = String("layer_", layer)
        elif part.role == Role.BRANCH:
            name += String("_", branch)
            branch += 1
        if part.has_weights():
            var weights = document.member(part.node, "weights").value()
            _require_member(document, weights, name, dimensions_of(part))
        # A bias is due after the last branch.
        if bias and (i + 1 == len(parts) or parts[i + 1].role != Role.BRANCH):
            _require_member(document, bias.take(), String("bias_", layer), 0)


def identities(parts: List[Part]) -> List[Part]:
    """Lists the branches whose weight stands in the network itself."""
    var found: List[Part] = []
    for part in parts:
        if part.kind == LayerKind.IDENTITY:
            found.append(part)
    return found^


def dimensions_of(part: Part) -> Int:
    """Counts the dimensions that a reference to weights must name: none of a dense layer, which has its layer size."""
    if part.kind == LayerKind.CONV2D:
        return 4
    return 2 if part.role == Role.BRANCH else 0


def _require_member(
    document: Document, node: Int, name: String, dimensions: Int
) raises Rejection:
    """Raises network.member unless a value is a reference to one particular member, with a shape where one is due."""
    var member = document.member(node, "member")
    var shape = document.member(node, "shape")
    var valid = Bool(member) and document.is_text(member.value(), name)
    if dimensions > 0:
        valid = (
            valid
            and document.size(node) == 2
            and Bool(shape)
            and document.is_array(shape.value())
            and document.size(shape.value()) == dimensions
        )
        if valid:
            for item in document.items(shape.value()):
                valid = valid and (
                    is_extent(document, item, 1) if dimensions
                    == 4 else document.integer(item).or_else(-1)
                    >= 0
                )
    else:
        valid = valid and document.size(node) == 1
    if not valid:
        var due = String('{"member": "', name, '"')
        if dimensions > 0:
            due += String(', "shape": ', dimensions, " Integers")
        raise document.reject("network.member", node, due + "}")


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


def members_of_layers(document: Document, sizes: Int) -> List[Due]:
    """Lists the members that the archive of a checkpoint must have.

    Args:
        document: The sidecar.
        sizes: Its layer sizes.

    Returns:
        The weights of each layer.
    """
    var dues: List[Due] = []
    for l in range(document.size(sizes)):
        dues.append(
            Due(
                String("layer_", l),
                [
                    size_at(document, sizes, l, 1),
                    size_at(document, sizes, l, 0),
                ],
                String("/weights/", l),
            )
        )
    return dues^


def members_of_network(
    shapes: Shapes, mut references: List[Reference]
) -> List[Due]:
    """Lists the members that the archive of a network must have.

    Args:
        shapes: Its layers.
        references: Receives what refers to each of them.

    Returns:
        The members in due order: for each layer its weights or those of its branches, then its bias.
    """
    var dues: List[Due] = []
    for l in range(len(shapes.layers)):
        ref layer = shapes.layers[l]
        for b in range(len(layer.branches)):
            ref branch = layer.branches[b]
            if not branch.weights:
                continue
            var name = String("layer_", l)
            var path = String("/weights/", l)
            if layer.kind == LayerKind.SUM:
                name += String("_", b)
                path += String("/", b)
            dues.append(Due(name^, branch.due.copy(), path^))
            var has_shape = (
                layer.kind == LayerKind.SUM or branch.kind == LayerKind.CONV2D
            )
            references.append(Reference(branch.weights.value(), has_shape))
        if layer.bias:
            dues.append(
                Due(
                    String("bias_", l),
                    [layer.given().channels],
                    String("/biases/", l),
                )
            )
            references.append(Reference(layer.bias.value(), False))
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
