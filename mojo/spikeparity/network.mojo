"""Networks of integrate-and-fire layers: the rules of the stage `network`, and the layout that the kernels run on."""

from std.utils.numerics import inf

from .document import Document
from .kernel import packed, padded
from .matrix import (
    Shape,
    finite,
    finite_value,
    inexact,
    is_finite,
    shape,
    weight_rank,
    weight_type,
)
from .references import resolve
from .rules import MAX_LAYERS, Rejection


struct Layer[dtype: DType](Copyable):
    """One layer, its arrays padded with zeros to whole vectors."""

    var inputs: Optional[Int]
    """The width of the input; None for the weights `[]`, which take any."""
    var outputs: Int
    """The number of neurons."""
    var weights: List[Scalar[Self.dtype]]
    """The weights, packed by tiles of outputs."""
    var bias: Optional[List[Scalar[Self.dtype]]]
    """One padded addend per neuron, at every step."""
    var decay: Scalar[Self.dtype]
    """What remains of the potential after a step; 1 (which changes no bit) for the model `if`."""
    var threshold: Scalar[Self.dtype]
    """The potential at which a neuron fires; infinite for a layer that never does."""
    var reset_to_zero: Bool
    """Whether a spike leaves 0, else it takes away the threshold."""
    var initial_potential: Scalar[Self.dtype]
    """The potential before the first step."""

    def __init__(out self, document: Document, root: Int):
        """Lays out a valid layer.

        Args:
            document: Holds the layer.
            root: The layer.
        """
        var weights = document.member(root, "weights").value()
        var neuron = document.member(root, "neuron").value()
        var bounds = shape(document, weights)
        # A matrix without rows keeps its width where a file has it.
        self.inputs = bounds.inputs
        if bounds.outputs == 0 and not document.is_stored(weights):
            self.inputs = None
        self.outputs = bounds.outputs
        self.weights = packed(
            transposed[Self.dtype](document, weights, bounds),
            padded[Self.dtype](bounds.outputs),
        )
        self.bias = None
        var bias = document.member(root, "bias")
        if bias:
            self.bias = padded_row[Self.dtype](
                document, bias.value(), bounds.outputs
            )
        self.decay = number_or[Self.dtype](document, neuron, "decay", 1)
        self.threshold = number_or[Self.dtype](document, neuron, "threshold", 1)
        self.initial_potential = number_or[Self.dtype](
            document, neuron, "initial_potential", 0
        )
        var reset = document.member(neuron, "reset")
        self.reset_to_zero = Bool(reset) and document.is_text(
            reset.value(), "zero"
        )

    def __init__(
        out self,
        columns: List[Scalar[Self.dtype]],
        inputs: Int,
        outputs: Int,
        threshold: Scalar[Self.dtype],
    ):
        """Lays out a layer of plain neurons, for programs that use the kernels without documents.

        Args:
            columns: One column of weights per input, padded.
            inputs: The number of inputs.
            outputs: The number of neurons.
            threshold: Finite and above 0.
        """
        self.inputs = inputs
        self.outputs = outputs
        self.weights = packed(columns, padded[Self.dtype](outputs))
        self.bias = None
        self.decay = 1
        self.threshold = threshold
        self.reset_to_zero = False
        self.initial_potential = 0


struct Network[dtype: DType](Movable):
    """A valid network."""

    var layers: List[Layer[Self.dtype]]
    """The layers, input side first."""
    var membrane: Bool
    """Whether the answer is the potential of the last layer, which then never fires."""

    def __init__(out self, var layers: List[Layer[Self.dtype]]):
        """Joins layers whose sizes chain, read out by spikes.

        Args:
            layers: The layers, input side first.
        """
        self.layers = layers^
        self.membrane = False

    def __init__(out self, document: Document, root: Int):
        """Lays out a valid network.

        Args:
            document: Holds the network.
            root: The network.
        """
        self.layers = []
        for node in layer_nodes(document, root):
            self.layers.append(Layer[Self.dtype](document, node))
        var readout = document.member(root, "readout")
        self.membrane = Bool(readout) and document.is_text(
            readout.value(), "membrane"
        )
        if self.membrane:
            self.layers[len(self.layers) - 1].threshold = inf[Self.dtype]()


def transposed[
    dtype: DType
](document: Document, weights: Int, bounds: Shape) -> List[Scalar[dtype]]:
    """Lays out a weight matrix by columns, each padded to whole vectors."""
    var stride = padded[dtype](bounds.outputs)
    var columns = List[Scalar[dtype]](length=bounds.inputs * stride, fill=0)
    if document.is_stored(weights):
        ref values = document.stored(weights).values
        for i in range(bounds.outputs):
            for j in range(bounds.inputs):
                columns[j * stride + i] = Scalar[dtype](
                    values[i * bounds.inputs + j]
                )
        return columns^
    var output = 0
    for row in document.items(weights):
        var at = output
        for item in document.items(row):
            columns[at] = Scalar[dtype](document.number(item).or_else(0))
            at += stride
        output += 1
    return columns^


def padded_row[
    dtype: DType
](document: Document, row: Int, size: Int) -> List[Scalar[dtype]]:
    """Reads a list of Numbers and pads it to whole vectors."""
    var values = List[Scalar[dtype]](capacity=padded[dtype](size))
    if document.is_stored(row):
        for value in document.stored(row).values:
            values.append(Scalar[dtype](value))
    for item in document.items(row):
        values.append(Scalar[dtype](document.number(item).or_else(0)))
    values.resize(padded[dtype](size), 0)
    return values^


def number_or[
    dtype: DType
](
    document: Document, parent: Int, name: StaticString, default: Float64
) -> Scalar[dtype]:
    """Reads an optional Number."""
    var node = document.member(parent, name)
    return Scalar[dtype](
        document.number(node.value()).or_else(default) if node else default
    )


def layer_nodes(document: Document, root: Int) -> List[Int]:
    """Lists the layers of a network, none where there is no array of them."""
    var nodes: List[Int] = []
    var layers = document.member(root, "layers")
    if layers:
        for layer in document.items(layers.value()):
            nodes.append(layer)
    return nodes^


def read_network[
    dtype: DType
](
    mut document: Document, root: Int, folder: Optional[String] = None
) raises Rejection -> Network[dtype]:
    """Validates a network.

    Args:
        document: Holds the network; references to files in it are replaced by arrays.
        root: The network.
        folder: Where files are, None where references are none.

    Returns:
        The network, laid out for the kernels.

    Raises:
        Rejection: The first broken rule of the stage `network`.
    """
    check_network_of_request[dtype](document, root, folder)
    return Network[dtype](document, root)


def check_network_of_request[
    dtype: DType = DType.float64
](
    mut document: Document, root: Int, folder: Optional[String] = None
) raises Rejection:
    """Validates a network.

    Parameters:
        dtype: The type that numbers are rounded to, and must be finite in.

    Args:
        document: Holds the network; references to files in it are replaced by arrays.
        root: The network.
        folder: Where files are, None where references are none.

    Raises:
        Rejection: The first broken rule of the stage `network`.
    """
    var parts = network_parts(document, root)
    network_object(document, parts)
    network_unknown_key(document, parts)
    network_missing_key(document, parts)
    network_layers(document, root)
    var layers = layer_nodes(document, root)
    check_weights[dtype](document, layers, folder)
    check_biases[dtype](document, layers, folder)
    network_chain(document, layers)
    check_neurons[dtype](document, layers)
    network_readout(document, root)


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
    var layers = layer_nodes(document, root)
    network_weight_finite[dtype](document, layers)
    network_bias_finite[dtype](document, layers)
    check_neurons[dtype](document, layers)


struct Role:
    """What an object is within a network."""

    comptime NETWORK = 0
    """The network itself."""
    comptime LAYER = 1
    """A layer."""
    comptime NEURON = 2
    """The neuron of a layer."""


@fieldwise_init
struct Part(TrivialRegisterPassable):
    """A value that should be an object within a network."""

    var node: Int
    """The value."""
    var role: Int
    """One of `Role`."""


def network_parts(document: Document, root: Int) -> List[Part]:
    """Lists network, layer 0, its neuron, layer 1, its neuron, … as far as they are there."""
    var parts: List[Part] = [Part(root, Role.NETWORK)]
    for layer in layer_nodes(document, root):
        parts.append(Part(layer, Role.LAYER))
        var neuron = document.member(layer, "neuron")
        if neuron:
            parts.append(Part(neuron.value(), Role.NEURON))
    return parts^


def known_keys(role: Int) -> List[StaticString]:
    """Names the keys that a part may have."""
    if role == Role.NETWORK:
        return ["layers", "readout"]
    if role == Role.LAYER:
        return ["weights", "bias", "neuron"]
    return ["model", "threshold", "reset", "initial_potential", "decay"]


def required_keys(document: Document, part: Part) -> List[StaticString]:
    """Names the keys that a part must have."""
    if part.role == Role.NETWORK:
        return ["layers"]
    if part.role == Role.LAYER:
        return ["weights", "neuron"]
    if has_model(document, part.node, "lif"):
        return ["model", "threshold", "decay"]
    return ["model", "threshold"]


def has_model(document: Document, neuron: Int, name: StaticString) -> Bool:
    """Tells whether a neuron is of one particular model."""
    var model = document.member(neuron, "model")
    return Bool(model) and document.is_text(model.value(), name)


def network_object(document: Document, parts: List[Part]) raises Rejection:
    """Raises network.object where network, layer or neuron is no object."""
    for part in parts:
        if not document.is_object(part.node):
            raise document.reject("network.object", part.node, "an object")


def network_unknown_key(document: Document, parts: List[Part]) raises Rejection:
    """Raises network.unknown-key at a key that the part does not have; decay is one where the model is if."""
    for part in parts:
        var known = known_keys(part.role)
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


def check_weights[
    dtype: DType = DType.float64
](
    mut document: Document, layers: List[Int], folder: Optional[String]
) raises Rejection:
    """Raises network.weight-type, network.weight-rank or network.weight-finite at a faulty matrix."""
    for layer in layers:
        var weights = document.member(layer, "weights").value()
        resolve(document, weights, folder)
        weight_type(document, weights, "network.weight-type")
    for layer in layers:
        weight_rank(
            document,
            document.member(layer, "weights").value(),
            "network.weight-rank",
        )
    network_weight_finite[dtype](document, layers)


def network_weight_finite[
    dtype: DType
](document: Document, layers: List[Int]) raises Rejection:
    """Raises network.weight-finite where a weight, once it is rounded, is NaN or an infinity."""
    for layer in layers:
        finite[dtype](
            document,
            document.member(layer, "weights").value(),
            "network.weight-finite",
        )


def check_biases[
    dtype: DType = DType.float64
](
    mut document: Document, layers: List[Int], folder: Optional[String]
) raises Rejection:
    """Raises network.bias-type, network.bias-shape or network.bias-finite at a faulty bias."""
    for layer in layers:
        var bias = document.member(layer, "bias")
        if bias:
            resolve(document, bias.value(), folder)
        network_bias_type(document, layer)
    for layer in layers:
        network_bias_shape(document, layer)
    network_bias_finite[dtype](document, layers)


def network_bias_finite[
    dtype: DType
](document: Document, layers: List[Int]) raises Rejection:
    """Raises network.bias-finite where an entry, once it is rounded, is NaN or an infinity."""
    for layer in layers:
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
    """Raises network.bias-shape unless bias has one entry per output."""
    var bias = document.member(layer, "bias")
    var outputs = document.size(document.member(layer, "weights").value())
    if bias and document.size(bias.value()) != outputs:
        raise document.reject(
            "network.bias-shape",
            bias.value(),
            String("one entry for each of ", outputs, " outputs"),
        )


def network_chain(document: Document, layers: List[Int]) raises Rejection:
    """Raises network.chain where a layer does not take what the one before it gives; `[]` takes anything."""
    for i in range(1, len(layers)):
        var weights = document.member(layers[i], "weights").value()
        var got = shape(document, weights)
        var due = document.size(
            document.member(layers[i - 1], "weights").value()
        )
        var fixed = got.outputs > 0 or document.is_stored(weights)
        if fixed and got.inputs != due:
            var reason = String(
                "expected ",
                due,
                " inputs, the outputs of layer ",
                i - 1,
                ", got ",
                got.inputs,
            )
            raise document.reject_because("network.chain", weights, reason)


def check_neurons[
    dtype: DType = DType.float64
](document: Document, layers: List[Int]) raises Rejection:
    """Raises the rules on single members of neurons, network.neuron-model to network.initial-potential."""
    for layer in layers:
        network_neuron_model(document, document.member(layer, "neuron").value())
    for layer in layers:
        network_threshold[dtype](
            document, document.member(layer, "neuron").value()
        )
    for layer in layers:
        network_reset(document, document.member(layer, "neuron").value())
    for layer in layers:
        network_decay(document, document.member(layer, "neuron").value())
    for layer in layers:
        network_initial_potential[dtype](
            document, document.member(layer, "neuron").value()
        )


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
