"""The shapes of a network's layers: one walk from the input to the last layer, rules network.chain and elements."""

from .convolution import Geometry, windows
from .document import Document
from .matrix import shape, tensor_shape
from .parts import LayerKind, Part, Role
from .rules import MAX_ELEMENTS, Rejection

comptime INPUT = -1
"""The index of the input among the layers."""


@fieldwise_init
struct Extent(Equatable, TrivialRegisterPassable):
    """The shape of what a layer takes or gives."""

    var flat: Bool
    """Whether it has one dimension instead of three; it then has that many channels of one element."""
    var channels: Int
    """The length of the first dimension."""
    var height: Int
    """The length of the second one."""
    var width: Int
    """The length of the third one."""

    def elements(self) -> Int:
        """Counts the elements.

        Returns:
            Their number; of three dimensions some number above MAX_ELEMENTS where there are more.
        """
        if self.flat:
            return self.channels
        # Cut off, so that the product does not overflow.
        var plane = min(self.height * self.width, MAX_ELEMENTS + 1)
        return min(self.channels, MAX_ELEMENTS + 1) * plane

    def __eq__(self, other: Self) -> Bool:
        """Compares all dimensions."""
        return (
            self.flat == other.flat
            and self.channels == other.channels
            and self.height == other.height
            and self.width == other.width
        )


def one_dimension(length: Int) -> Extent:
    """Makes the shape of a list."""
    return Extent(True, length, 1, 1)


struct Branch(Copyable):
    """A layer that is no sum, or a branch of one: what is made of one source."""

    var node: Int
    """The layer or branch."""
    var kind: Int
    """One of `LayerKind`."""
    var source: Int
    """The layer that it takes its input from, or INPUT."""
    var weights: Optional[Int]
    """Its array of weights."""
    var due: List[Int]
    """The shape of that array."""
    var takes_any: Bool
    """Whether it is the matrix `[]`, which takes what its source has."""
    var taken: Extent
    """The shape of what it takes."""
    var given: Extent
    """The shape of what it gives."""
    var geometry: Geometry
    """How the two are joined."""

    def __init__(out self, node: Int, kind: Int, source: Int):
        """Starts without weights and shapes.

        Args:
            node: The layer or branch.
            kind: One of `LayerKind`.
            source: The layer that it takes its input from, or INPUT.
        """
        self.node = node
        self.kind = kind
        self.source = source
        self.weights = None
        self.due = []
        self.takes_any = False
        self.taken = one_dimension(0)
        self.given = one_dimension(0)
        self.geometry = Geometry()


struct LayerPlan(Copyable):
    """A layer: what it sums up, and its neurons."""

    var node: Int
    """The layer."""
    var kind: Int
    """One of `LayerKind`."""
    var branches: List[Branch]
    """Those of a sum; of another layer itself alone."""
    var bias: Optional[Int]
    """Its bias."""
    var neuron: Optional[Int]
    """Its neuron."""

    def __init__(out self, node: Int, kind: Int):
        """Starts without branches.

        Args:
            node: The layer.
            kind: One of `LayerKind`.
        """
        self.node = node
        self.kind = kind
        self.branches = []
        self.bias = None
        self.neuron = None

    def given(self) -> Extent:
        """Tells the shape of what it gives."""
        return self.branches[0].given

    def taken(self) -> Int:
        """Counts the elements that all its branches take."""
        var count = 0
        for ref branch in self.branches:
            count += branch.taken.elements()
        return count


def plan_layers(
    document: Document,
    parts: List[Part],
    sources: List[Int],
    sizes: Optional[Int] = None,
) -> List[LayerPlan]:
    """Collects the layers of a network, before its shapes are known.

    Args:
        document: Holds the network.
        parts: Its parts.
        sources: For each part where it takes its input from.
        sizes: The layer sizes of a sidecar, whose arrays are elsewhere.

    Returns:
        The layers.
    """
    var layers: List[LayerPlan] = []
    for i in range(len(parts)):
        var part = parts[i]
        if part.role == Role.LAYER:
            layers.append(LayerPlan(part.node, part.kind))
            layers[len(layers) - 1].bias = document.member(part.node, "bias")
        if part.role == Role.NEURON:
            layers[len(layers) - 1].neuron = part.node
        var takes = part.role == Role.BRANCH or (
            part.role == Role.LAYER and part.kind != LayerKind.SUM
        )
        if takes:
            var branch = Branch(part.node, part.kind, sources[i])
            if part.has_weights():
                var weights = document.member(part.node, "weights").value()
                branch.weights = weights
                if sizes:
                    var pair = sizes.value() + 1 + 3 * (len(layers) - 1)
                    branch.due = stored_shape(document, part, weights, pair)
                else:
                    branch.due = shape_of_weights(document, weights, part.kind)
                    branch.takes_any = branch.due[
                        0
                    ] == 0 and not document.is_stored(weights)
            layers[len(layers) - 1].branches.append(branch^)
    return layers^


def stored_shape(
    document: Document, part: Part, weights: Int, pair: Int
) -> List[Int]:
    """Reads the shape of weights that are a member of an archive.

    Args:
        document: The sidecar.
        part: A layer or branch.
        weights: What refers to the member.
        pair: The layer size, an array of two.

    Returns:
        The shape: of a dense layer by its size, else as it is written.
    """
    if part.role == Role.LAYER and part.kind == LayerKind.DENSE:
        return [
            document.integer(pair + 2).or_else(0),
            document.integer(pair + 1).or_else(0),
        ]
    var lengths: List[Int] = []
    for item in document.items(document.member(weights, "shape").value()):
        lengths.append(document.integer(item).or_else(0))
    return lengths^


def shape_of_weights(document: Document, weights: Int, kind: Int) -> List[Int]:
    """Measures weights whose rank has been checked."""
    if kind == LayerKind.CONV2D:
        return tensor_shape(document, weights)
    var bounds = shape(document, weights)
    return [bounds.outputs, bounds.inputs]


struct Shapes(Movable):
    """The layers of a network with their shapes."""

    var layers: List[LayerPlan]
    """The layers."""
    var input: Optional[Extent]
    """The shape of the input, None for one dimension of any length."""
    var is_shaped: Bool
    """Whether the network says the shape of its input."""

    def __init__(
        out self, document: Document, root: Int, var layers: List[LayerPlan]
    ):
        """Finds the shape of the input, as it is written or as the first dense taker has it.

        Args:
            document: Holds the network.
            root: The network.
            layers: Its layers.
        """
        self.layers = layers^
        self.input = None
        var lengths = document.member(root, "input_shape")
        self.is_shaped = Bool(lengths)
        if lengths:
            # An array of three: the nodes after its own.
            self.input = Extent(
                False,
                document.integer(lengths.value() + 1).or_else(0),
                document.integer(lengths.value() + 2).or_else(0),
                document.integer(lengths.value() + 3).or_else(0),
            )
            return
        for ref layer in self.layers:
            for ref branch in layer.branches:
                if (
                    not self.input
                    and branch.source == INPUT
                    and branch.kind == LayerKind.DENSE
                    and not branch.takes_any
                ):
                    self.input = one_dimension(branch.due[1])

    def walk(
        mut self, document: Document, sizes: Optional[Int] = None
    ) raises Rejection:
        """Raises network.chain where a source does not fit, network.elements where an output is too large.

        Args:
            document: Holds the network.
            sizes: The layer sizes of a sidecar, whose arrays are elsewhere.

        Raises:
            Rejection: One of the rules.
        """
        for l in range(len(self.layers)):
            for k in range(len(self.layers[l].branches)):
                var source = self.source(document, self.layers[l].branches[k])
                ref branch = self.layers[l].branches[k]
                network_chain(document, branch, source)
                network_elements(document, branch)
            ref layer = self.layers[l]
            if layer.kind == LayerKind.SUM:
                network_chain_of_sum(document, layer, Bool(sizes))
            if sizes and layer.kind != LayerKind.DENSE:
                network_chain_of_size(
                    document, layer, sizes.value() + 1 + 3 * l
                )

    def source(
        self, document: Document, branch: Branch
    ) raises Rejection -> Optional[Extent]:
        """Raises network.chain where anything but a dense layer takes an input without a shape; else gives the source's."""
        if branch.source != INPUT:
            return self.layers[branch.source].given()
        if not self.is_shaped and branch.kind != LayerKind.DENSE:
            raise document.reject_because(
                "network.chain",
                place_of(branch),
                "takes an input of one dimension",
            )
        return self.input


def place_of(branch: Branch) -> Int:
    """Names what is at fault where a source does not fit."""
    return branch.weights.or_else(branch.node)


def network_chain(
    document: Document, mut branch: Branch, source: Optional[Extent]
) raises Rejection:
    """Raises network.chain unless a layer or branch can take its source; else finds what it gives.

    Args:
        document: Holds the network.
        branch: The layer or branch.
        source: The shape of its source, None for an input that may have any width.

    Raises:
        Rejection: The rule.
    """
    comptime K = LayerKind
    branch.taken = source.or_else(one_dimension(0))
    var taken = branch.taken
    var fits: Bool
    if branch.kind == K.DENSE:
        fits = not source or (
            taken.flat and (branch.takes_any or branch.due[1] == taken.channels)
        )
        if branch.takes_any:
            branch.due[1] = taken.channels
        branch.given = one_dimension(branch.due[0])
        branch.geometry = Geometry(taken.channels, branch.due[0])
    elif branch.kind == K.CONV2D or branch.kind == K.AVGPOOL2D:
        branch.geometry = windows(
            document, branch.node, branch.kind, branch.due
        )
        fits = not taken.flat and branch.geometry.spread(
            taken.channels, taken.height, taken.width
        )
        if branch.kind == K.CONV2D:
            fits = fits and branch.geometry.joins(branch.due[1])
        else:
            branch.geometry.outputs = taken.channels
        branch.given = Extent(
            False,
            branch.geometry.outputs,
            branch.geometry.rows,
            branch.geometry.columns,
        )
    else:
        fits = True
        branch.given = (
            one_dimension(taken.elements()) if branch.kind
            == K.FLATTEN else taken
        )
    if not fits:
        raise document.reject_because(
            "network.chain",
            place_of(branch),
            String("does not fit its source, which gives ", described(source)),
        )


def network_elements(document: Document, branch: Branch) raises Rejection:
    """Raises network.elements at a layer or branch that gives more than MAX_ELEMENTS."""
    if branch.given.elements() > MAX_ELEMENTS:
        raise document.reject_because(
            "network.elements",
            branch.node,
            String("gives more than ", MAX_ELEMENTS, " elements"),
        )


def network_chain_of_sum(
    document: Document, layer: LayerPlan, is_stored: Bool
) raises Rejection:
    """Raises network.chain where the branches of a sum give different shapes, or its bias does not fit them."""
    var due = layer.given()
    for ref branch in layer.branches:
        if branch.given != due:
            raise document.reject_because(
                "network.chain",
                branch.node,
                String(
                    "gives ",
                    described(branch.given),
                    ", branch 0 gives ",
                    described(due),
                ),
            )
    if (
        layer.bias
        and not is_stored
        and document.size(layer.bias.value()) != due.channels
    ):
        raise document.reject(
            "network.chain",
            layer.bias.value(),
            String("one entry for each of ", due.channels, " channels"),
        )


def network_chain_of_size(
    document: Document, layer: LayerPlan, pair: Int
) raises Rejection:
    """Raises network.chain where the layer size of a sidecar is not what the layer takes and gives."""
    var inputs = layer.taken()
    var outputs = layer.given().elements()
    if (
        document.integer(pair + 1).or_else(0) != inputs
        or document.integer(pair + 2).or_else(0) != outputs
    ):
        raise document.reject_because(
            "network.chain",
            pair,
            String("expected [", inputs, ", ", outputs, "]"),
        )


def described(shape: Optional[Extent]) -> String:
    """Writes a shape for a message."""
    if not shape:
        return "one dimension"
    var value = shape.value()
    if value.flat:
        return String("(", value.channels, ")")
    return String(
        "(", value.channels, ", ", value.height, ", ", value.width, ")"
    )
