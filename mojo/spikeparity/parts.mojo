"""The parts of a network document: its objects, in the order in which every rule looks at them."""

from .document import Document


struct LayerKind:
    """The kinds of layers and branches, numbered as `kind_names` lists them."""

    comptime UNKNOWN = -1
    """None of them."""
    comptime DENSE = 0
    """Fully connected; the default."""
    comptime CONV2D = 1
    """A convolution."""
    comptime SUM = 2
    """A sum of branches."""
    comptime AVGPOOL2D = 3
    """The mean of a window."""
    comptime FLATTEN = 4
    """One dimension instead of three."""
    comptime IDENTITY = 5
    """One weight for all elements."""


def kind_names() -> List[StaticString]:
    """Names the kinds as documents do."""
    return ["dense", "conv2d", "sum", "avgpool2d", "flatten", "identity"]


def kinds_of(role: Int) -> List[Int]:
    """Lists the kinds that a layer or a branch may have."""
    comptime K = LayerKind
    if role == Role.BRANCH:
        return [K.DENSE, K.CONV2D, K.IDENTITY]
    return [K.DENSE, K.CONV2D, K.SUM, K.AVGPOOL2D, K.FLATTEN]


struct Role:
    """What an object is within a network."""

    comptime NETWORK = 0
    """The network itself."""
    comptime LAYER = 1
    """A layer."""
    comptime BRANCH = 2
    """A branch of a sum."""
    comptime NEURON = 3
    """The neuron of a layer."""


@fieldwise_init
struct Part(TrivialRegisterPassable):
    """A value that should be an object within a network."""

    var node: Int
    """The value."""
    var role: Int
    """One of `Role`."""
    var kind: Int
    """Of a layer or branch, one of `LayerKind`."""

    def has_weights(self) -> Bool:
        """Tells whether it is a layer or branch with an array of weights."""
        return (
            self.role == Role.LAYER or self.role == Role.BRANCH
        ) and takes_weights(self.kind)


def takes_weights(kind: Int) -> Bool:
    """Tells whether layers or branches of a kind have an array of weights."""
    return kind == LayerKind.DENSE or kind == LayerKind.CONV2D


def has_neurons(kind: Int) -> Bool:
    """Tells whether layers of a kind are spiking layers."""
    return takes_weights(kind) or kind == LayerKind.SUM


def kind_of(document: Document, node: Int, role: Int) -> Int:
    """Reads the kind of a layer or branch.

    Args:
        document: Holds it.
        node: The layer or branch.
        role: Which of the two it is.

    Returns:
        One of `LayerKind`.
    """
    var kind = document.member(node, "kind")
    if not kind:
        return LayerKind.DENSE
    var names = kind_names()
    for known in kinds_of(role):
        if document.is_text(kind.value(), names[known]):
            return known
    return LayerKind.UNKNOWN


def layer_nodes(document: Document, root: Int) -> List[Int]:
    """Lists the layers of a network, none where there is no array of them."""
    return items_of(document, document.member(root, "layers"))


def items_of(document: Document, array: Optional[Int]) -> List[Int]:
    """Lists the items of an array, none where there is no array."""
    var nodes: List[Int] = []
    if array:
        for item in document.items(array.value()):
            nodes.append(item)
    return nodes^


def network_parts(document: Document, root: Int) -> List[Part]:
    """Lists network, layer 0, its branches, its neuron, layer 1, … as far as they are there."""
    var parts: List[Part] = [Part(root, Role.NETWORK, LayerKind.UNKNOWN)]
    for layer in layer_nodes(document, root):
        var kind = kind_of(document, layer, Role.LAYER)
        parts.append(Part(layer, Role.LAYER, kind))
        if kind == LayerKind.SUM:
            for branch in items_of(document, document.member(layer, "inputs")):
                parts.append(
                    Part(
                        branch,
                        Role.BRANCH,
                        kind_of(document, branch, Role.BRANCH),
                    )
                )
        var neuron = document.member(layer, "neuron")
        if neuron:
            parts.append(Part(neuron.value(), Role.NEURON, LayerKind.UNKNOWN))
    return parts^


def nodes_of(parts: List[Part], role: Int) -> List[Int]:
    """Lists the parts of one role."""
    var nodes: List[Int] = []
    for part in parts:
        if part.role == role:
            nodes.append(part.node)
    return nodes^


def known_keys(part: Part) -> List[StaticString]:
    """Names the keys that a part may have; of a neuron, with a leak."""
    comptime K = LayerKind
    if part.role == Role.NETWORK:
        return ["layers", "readout", "input_shape"]
    if part.role == Role.NEURON:
        return ["model", "threshold", "reset", "initial_potential", "decay"]
    var keys: List[StaticString] = ["kind"]
    if part.role == Role.LAYER:
        keys.append("name")
    if part.kind != K.SUM:
        keys.append("from")
    if takes_weights(part.kind):
        keys.append("weights")
    if part.kind == K.CONV2D:
        keys.extend(["stride", "padding", "dilation", "groups"])
    if part.kind == K.SUM:
        keys.append("inputs")
    if part.kind == K.AVGPOOL2D:
        keys.extend(["kernel", "stride"])
    if part.kind == K.IDENTITY:
        keys.append("weight")
    if part.role == Role.LAYER and has_neurons(part.kind):
        keys.extend(["bias", "neuron"])
    return keys^


def required_keys(document: Document, part: Part) -> List[StaticString]:
    """Names the keys that a part must have."""
    comptime K = LayerKind
    if part.role == Role.NETWORK:
        return ["layers"]
    if part.role == Role.NEURON:
        if has_model(document, part.node, "lif"):
            return ["model", "threshold", "decay"]
        return ["model", "threshold"]
    if part.role == Role.BRANCH:
        if part.kind == K.IDENTITY:
            return ["from", "weight"]
        return ["from", "weights"]
    if part.kind == K.SUM:
        return ["inputs", "neuron"]
    if part.kind == K.AVGPOOL2D:
        return ["kernel"]
    if part.kind == K.FLATTEN:
        return []
    return ["weights", "neuron"]


def has_model(document: Document, neuron: Int, name: StaticString) -> Bool:
    """Tells whether a neuron is of one particular model."""
    var model = document.member(neuron, "model")
    return Bool(model) and document.is_text(model.value(), name)
