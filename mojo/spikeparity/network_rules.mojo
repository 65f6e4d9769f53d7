"""The rules of the stage `network`, in the order in which they are checked."""

from std.collections import Dict

from .document import Document
from .matrix import (
    finite,
    finite_value,
    inexact,
    is_finite,
    weight_rank,
    weight_tensor,
    weight_type,
)
from .parts import (
    LayerKind,
    Part,
    Role,
    has_model,
    has_neurons,
    known_keys,
    layer_nodes,
    network_parts,
    nodes_of,
    required_keys,
    takes_weights,
)
from .references import resolve
from .rules import (
    MAX_BRANCHES,
    MAX_ELEMENTS,
    MAX_EXTENT,
    MAX_LAYERS,
    Rejection,
)
from .shapes import INPUT, Shapes, plan_layers


def check_network_of_request[
    dtype: DType = DType.float64
](
    mut document: Document, root: Int, folder: Optional[String] = None
) raises Rejection -> Shapes:
    """Validates a network.

    Parameters:
        dtype: The type that numbers are rounded to, and must be finite in.

    Args:
        document: Holds the network; references to files in it are replaced by arrays.
        root: The network.
        folder: Where files are, None where references are none.

    Returns:
        Its layers with their shapes.

    Raises:
        Rejection: The first broken rule of the stage `network`.
    """
    var parts = network_parts(document, root)
    check_parts(document, parts)
    network_layers(document, root)
    var sources = check_wiring(document, parts)
    check_weights[dtype](document, parts, folder)
    check_biases[dtype](document, parts, folder)
    var shapes = Shapes(document, root, plan_layers(document, parts, sources))
    shapes.walk(document)
    check_ends[dtype](document, parts)
    return shapes^


def known_shapes(document: Document, root: Int) raises Rejection -> Shapes:
    """Walks through the layers of a network that is known to be valid.

    Args:
        document: Holds the network.
        root: The network.

    Returns:
        Its layers with their shapes.

    Raises:
        Rejection: Never, in truth.
    """
    var parts = network_parts(document, root)
    var sources = network_from(document, parts)
    var shapes = Shapes(document, root, plan_layers(document, parts, sources))
    shapes.walk(document)
    return shapes^


def check_parts(document: Document, parts: List[Part]) raises Rejection:
    """Raises the rules on what each object has, network.object to network.missing-key."""
    network_object(document, parts)
    network_kind(document, parts)
    network_unknown_key(document, parts)
    network_missing_key(document, parts)


def check_wiring(
    document: Document, parts: List[Part]
) raises Rejection -> List[Int]:
    """Raises the rules on how layers are joined, network.inputs to network.geometry.

    Args:
        document: Holds the network.
        parts: Its parts.

    Returns:
        For each part that takes something, a layer or branch, the index of the layer that it takes it from, or INPUT.

    Raises:
        Rejection: One of the rules.
    """
    network_inputs(document, parts)
    network_input_shape(document, parts[0].node)
    network_name(document, parts)
    var sources = network_from(document, parts)
    network_geometry(document, parts)
    return sources^


def check_ends[
    dtype: DType = DType.float64
](document: Document, parts: List[Part]) raises Rejection:
    """Raises the rules on what does not depend on other layers, network.output to network.readout."""
    network_output(document, parts)
    check_neurons[dtype](document, nodes_of(parts, Role.NEURON))
    network_readout(document, parts[0].node)


def check_rounded[dtype: DType](document: Document, root: Int) raises Rejection:
    """Raises what a network that is valid in binary64 breaks once its numbers are rounded.

    Parameters:
        dtype: The type that they are rounded to.

    Args:
        document: Holds the network.
        root: The network.

    Raises:
        Rejection: network.weight-finite, bias-finite, threshold or initial-potential.
    """
    var parts = network_parts(document, root)
    network_weight_finite[dtype](document, parts)
    network_bias_finite[dtype](document, parts)
    check_neurons[dtype](document, nodes_of(parts, Role.NEURON))


def network_object(document: Document, parts: List[Part]) raises Rejection:
    """Raises network.object where network, layer, branch or neuron is no object."""
    for part in parts:
        if not document.is_object(part.node):
            raise document.reject("network.object", part.node, "an object")


def network_kind(document: Document, parts: List[Part]) raises Rejection:
    """Raises network.kind where the kind of a layer or branch is not one that it may have."""
    for part in parts:
        if part.kind != LayerKind.UNKNOWN:
            continue
        if part.role == Role.LAYER:
            raise document.reject(
                "network.kind",
                document.member(part.node, "kind").value(),
                '"dense", "conv2d", "sum", "avgpool2d" or "flatten"',
            )
        if part.role == Role.BRANCH:
            raise document.reject(
                "network.kind",
                document.member(part.node, "kind").value(),
                '"dense", "conv2d" or "identity"',
            )


def network_unknown_key(document: Document, parts: List[Part]) raises Rejection:
    """Raises network.unknown-key at a key that the part does not have; decay is one where the model is if."""
    for part in parts:
        var known = known_keys(part)
        if part.role == Role.NEURON and has_model(document, part.node, "if"):
            _ = known.pop()
        for key in document.keys(part.node):
            if not document.is_one_of(key, known):
                raise document.reject_unknown("network.unknown-key", key, known)


def network_missing_key(document: Document, parts: List[Part]) raises Rejection:
    """Raises network.missing-key at a required key that is not there; decay is one where the model is lif."""
    for part in parts:
        for name in required_keys(document, part):
            if not document.member(part.node, name):
                raise document.reject_missing(
                    "network.missing-key", part.node, name
                )


def network_layers(document: Document, root: Int) raises Rejection:
    """Raises network.layers unless layers is an array of 1 to MAX_LAYERS."""
    var layers = document.member(root, "layers").value()
    if (
        not document.is_array(layers)
        or document.size(layers) < 1
        or document.size(layers) > MAX_LAYERS
    ):
        raise document.reject(
            "network.layers",
            layers,
            String("an array of 1 to ", MAX_LAYERS, " layers"),
        )


def network_inputs(document: Document, parts: List[Part]) raises Rejection:
    """Raises network.inputs unless inputs of a sum is an array of 1 to MAX_BRANCHES."""
    for part in parts:
        if part.role != Role.LAYER or part.kind != LayerKind.SUM:
            continue
        var inputs = document.member(part.node, "inputs").value()
        if (
            not document.is_array(inputs)
            or document.size(inputs) < 1
            or document.size(inputs) > MAX_BRANCHES
        ):
            raise document.reject(
                "network.inputs",
                inputs,
                String("an array of 1 to ", MAX_BRANCHES, " branches"),
            )


def network_input_shape(document: Document, root: Int) raises Rejection:
    """Raises network.input-shape unless input_shape is three Integers of at least 1 with a product up to MAX_ELEMENTS."""
    var shape = document.member(root, "input_shape")
    if not shape:
        return
    var product = 1
    var valid = (
        document.is_array(shape.value()) and document.size(shape.value()) == 3
    )
    for item in document.items(shape.value()):
        var length = document.integer(item).or_else(0)
        valid = valid and length >= 1 and length <= MAX_ELEMENTS
        # Cut off, so that it does not overflow.
        product = min(product, MAX_ELEMENTS + 1) * (length if valid else 1)
    if not valid or product > MAX_ELEMENTS:
        raise document.reject_because(
            "network.input-shape",
            shape.value(),
            String(
                "expected [channels, height, width] with a product within 1 and ",
                MAX_ELEMENTS,
            ),
        )


def network_name(document: Document, parts: List[Part]) raises Rejection:
    """Raises network.name at a name that is not a string, is that of the input, or is that of an earlier layer."""
    var taken: Dict[String, Bool] = {"input": True}
    for layer in nodes_of(parts, Role.LAYER):
        var name = document.member(layer, "name")
        if not name:
            continue
        if not document.is_string(name.value()):
            raise document.reject("network.name", name.value(), "a string")
        var text = String(document.text(name.value()))
        if text in taken:
            raise document.reject(
                "network.name", name.value(), "a name that is not taken"
            )
        taken[text^] = True


def network_from(
    document: Document, parts: List[Part]
) raises Rejection -> List[Int]:
    """Raises network.from where a source is neither the input nor an earlier layer.

    Args:
        document: Holds the network.
        parts: Its parts.

    Returns:
        For each part the index of the layer that it takes its input from, or INPUT.

    Raises:
        Rejection: The rule.
    """
    var earlier: Dict[String, Int] = {"input": INPUT}
    var sources = List[Int](length=len(parts), fill=INPUT)
    var layer = -1
    var name: Optional[Int] = None
    for i in range(len(parts)):
        if parts[i].role == Role.LAYER:
            if name:
                earlier[String(document.text(name.value()))] = layer
            name = document.member(parts[i].node, "name")
            # Without a word it is the layer before, and before the first one the input.
            sources[i] = layer if layer >= 0 else INPUT
            layer += 1
        if parts[i].role != Role.LAYER and parts[i].role != Role.BRANCH:
            continue
        var source = document.member(parts[i].node, "from")
        if not source:
            continue
        var found: Optional[Int] = None
        if document.is_string(source.value()):
            found = earlier.get(String(document.text(source.value())))
        if not found:
            raise document.reject(
                "network.from",
                source.value(),
                '"input" or the name of an earlier layer',
            )
        sources[i] = found.value()
    return sources^


def network_geometry(document: Document, parts: List[Part]) raises Rejection:
    """Raises network.geometry at a kernel, stride, padding, dilation or groups that is not of Integers in their range."""
    for part in parts:
        if part.role != Role.LAYER and part.role != Role.BRANCH:
            continue
        require_pair(document, document.member(part.node, "kernel"), 1)
        require_pair(document, document.member(part.node, "stride"), 1)
        require_pair(document, document.member(part.node, "dilation"), 1)
        require_pair(document, document.member(part.node, "padding"), 0)
        var groups = document.member(part.node, "groups")
        if groups and not is_extent(document, groups.value(), 1):
            raise document.reject(
                "network.geometry",
                groups.value(),
                String("an Integer within 1 and ", MAX_EXTENT),
            )


def require_pair(
    document: Document, node: Optional[Int], least: Int
) raises Rejection:
    """Raises network.geometry unless a value, where there is one, is a pair of Integers within `least` and MAX_EXTENT."""
    if not node:
        return
    var pair = node.value()
    var valid = document.is_array(pair) and document.size(pair) == 2
    for item in document.items(pair):
        valid = valid and is_extent(document, item, least)
    if not valid:
        raise document.reject_because(
            "network.geometry",
            pair,
            String(
                "expected [height, width], Integers within ",
                least,
                " and ",
                MAX_EXTENT,
            ),
        )


def is_extent(document: Document, node: Int, least: Int) -> Bool:
    """Tells whether a value is an Integer within `least` and MAX_EXTENT."""
    var extent = document.integer(node).or_else(-1)
    return extent >= least and extent <= MAX_EXTENT


def check_weights[
    dtype: DType = DType.float64
](
    mut document: Document, parts: List[Part], folder: Optional[String]
) raises Rejection:
    """Raises network.weight-type, network.weight-rank or network.weight-finite at a faulty array or weight."""
    for part in parts:
        if part.has_weights():
            resolve(
                document, document.member(part.node, "weights").value(), folder
            )
        network_weight_type(document, part)
    for part in parts:
        network_weight_rank(document, part)
    network_weight_finite[dtype](document, parts)


def network_weight_type(document: Document, part: Part) raises Rejection:
    """Raises network.weight-type where a leaf of an array, or the weight of an identity, is no Number."""
    if part.has_weights():
        weight_type(
            document,
            document.member(part.node, "weights").value(),
            "network.weight-type",
        )
    if part.kind == LayerKind.IDENTITY:
        var weight = document.member(part.node, "weight").value()
        if not document.number(weight):
            raise document.reject("network.weight-type", weight, "a Number")


def network_weight_rank(document: Document, part: Part) raises Rejection:
    """Raises network.weight-rank unless weights are a matrix, those of a convolution a rectangular array of rank 4."""
    if not part.has_weights():
        return
    var weights = document.member(part.node, "weights").value()
    if part.kind == LayerKind.CONV2D:
        weight_tensor(document, weights, "network.weight-rank")
    else:
        weight_rank(document, weights, "network.weight-rank")


def network_weight_finite[
    dtype: DType
](document: Document, parts: List[Part]) raises Rejection:
    """Raises network.weight-finite where a weight, once it is rounded, is NaN or an infinity."""
    for part in parts:
        if part.has_weights() or part.kind == LayerKind.IDENTITY:
            var name: StaticString = (
                "weights" if part.has_weights() else "weight"
            )
            finite[dtype](
                document,
                document.member(part.node, name).value(),
                "network.weight-finite",
            )


def check_biases[
    dtype: DType = DType.float64
](
    mut document: Document, parts: List[Part], folder: Optional[String]
) raises Rejection:
    """Raises network.bias-type, network.bias-shape or network.bias-finite at a faulty bias."""
    for layer in nodes_of(parts, Role.LAYER):
        var bias = document.member(layer, "bias")
        if bias:
            resolve(document, bias.value(), folder)
        network_bias_type(document, layer)
    for part in parts:
        if part.role == Role.LAYER and takes_weights(part.kind):
            network_bias_shape(document, part.node)
    network_bias_finite[dtype](document, parts)


def network_bias_finite[
    dtype: DType
](document: Document, parts: List[Part]) raises Rejection:
    """Raises network.bias-finite where an entry, once it is rounded, is NaN or an infinity."""
    for layer in nodes_of(parts, Role.LAYER):
        var bias = document.member(layer, "bias")
        if bias:
            finite[dtype](document, bias.value(), "network.bias-finite")


def network_bias_type(document: Document, layer: Int) raises Rejection:
    """Raises network.bias-type unless bias is a list of Numbers."""
    var bias = document.member(layer, "bias")
    if not bias:
        return
    if document.is_stored(bias.value()):
        if len(document.stored(bias.value()).shape) != 1:
            raise document.reject("network.bias-type", bias.value(), "a list")
        return inexact(document, bias.value(), "network.bias-type")
    if not document.is_array(bias.value()):
        raise document.reject(
            "network.bias-type", bias.value(), "a list of Numbers"
        )
    for item in document.items(bias.value()):
        if not document.number(item):
            raise document.reject("network.bias-type", item, "a Number")


def network_bias_shape(document: Document, layer: Int) raises Rejection:
    """Raises network.bias-shape unless bias has one entry per output, or output channel."""
    var bias = document.member(layer, "bias")
    var outputs = document.size(document.member(layer, "weights").value())
    if bias and document.size(bias.value()) != outputs:
        raise document.reject(
            "network.bias-shape",
            bias.value(),
            String("one entry for each of ", outputs, " outputs"),
        )


def network_output(document: Document, parts: List[Part]) raises Rejection:
    """Raises network.output unless the last layer has neurons."""
    var last = 0
    for i in range(len(parts)):
        if parts[i].role == Role.LAYER:
            last = i
    if not has_neurons(parts[last].kind):
        raise document.reject_because(
            "network.output",
            parts[last].node,
            "is the last layer, but has no neurons",
        )


def check_neurons[
    dtype: DType = DType.float64
](document: Document, neurons: List[Int]) raises Rejection:
    """Raises the rules on single members of neurons, network.neuron-model to network.initial-potential."""
    for neuron in neurons:
        network_neuron_model(document, neuron)
    for neuron in neurons:
        network_threshold[dtype](document, neuron)
    for neuron in neurons:
        network_reset(document, neuron)
    for neuron in neurons:
        network_decay(document, neuron)
    for neuron in neurons:
        network_initial_potential[dtype](document, neuron)


def network_neuron_model(document: Document, neuron: Int) raises Rejection:
    """Raises network.neuron-model unless model is "if" or "lif"."""
    var model = document.member(neuron, "model").value()
    if not document.is_one_of(model, ["if", "lif"]):
        raise document.reject("network.neuron-model", model, '"if" or "lif"')


def network_threshold[
    dtype: DType
](document: Document, neuron: Int) raises Rejection:
    """Raises network.threshold unless threshold is a Number that is finite and above 0 once it is rounded."""
    var threshold = document.member(neuron, "threshold").value()
    var value = document.number(threshold).or_else(-1)
    if not (Scalar[dtype](value) > 0 and is_finite[dtype](value)):
        raise document.reject(
            "network.threshold",
            threshold,
            String(finite_value[dtype](), " above 0"),
        )


def network_reset(document: Document, neuron: Int) raises Rejection:
    """Raises network.reset unless reset is "subtract" or "zero"."""
    var reset = document.member(neuron, "reset")
    if reset and not document.is_one_of(reset.value(), ["subtract", "zero"]):
        raise document.reject(
            "network.reset", reset.value(), '"subtract" or "zero"'
        )


def network_decay(document: Document, neuron: Int) raises Rejection:
    """Raises network.decay unless decay is a Number within 0 and 1."""
    var decay = document.member(neuron, "decay")
    if not decay:
        return
    # Before it is rounded, which leaves it within these bounds.
    var value = document.number(decay.value()).or_else(-1)
    if not (value >= 0 and value <= 1):
        raise document.reject(
            "network.decay", decay.value(), "a Number within 0 and 1"
        )


def network_initial_potential[
    dtype: DType
](document: Document, neuron: Int) raises Rejection:
    """Raises network.initial-potential unless initial_potential is a Number that is finite once it is rounded."""
    var potential = document.member(neuron, "initial_potential")
    if not potential:
        return
    var value = document.number(potential.value())
    if not value or not is_finite[dtype](value.value()):
        raise document.reject(
            "network.initial-potential",
            potential.value(),
            finite_value[dtype](),
        )


def network_readout(document: Document, root: Int) raises Rejection:
    """Raises network.readout unless readout is "spikes" or "membrane"."""
    var readout = document.member(root, "readout")
    if readout and not document.is_one_of(
        readout.value(), ["spikes", "membrane"]
    ):
        raise document.reject(
            "network.readout", readout.value(), '"spikes" or "membrane"'
        )
