"""The arithmetic of conversion: the QCFS activation, and threshold balancing (conversion.md, sections 2 and 3)."""

from std.math import floor

from .document import Document
from .matrix import Shape, shape
from .network_rules import check_biases, check_weights, network_layers
from .parts import LayerKind, Part, Role, layer_nodes
from .rules import MAX_STEPS, Rejection


def read_qcfs(document: Document, root: Int) raises Rejection -> List[Float64]:
    """Applies the QCFS activation to the list `x`, with the amplitude `theta` and `T` steps.

    Args:
        document: Holds the arguments.
        root: The object whose members they are.

    Returns:
        The activation of each entry.

    Raises:
        Rejection: A rule from qcfs.input to qcfs.non-finite.
    """
    var values = qcfs_input(document, root)
    var theta = qcfs_theta(document, root)
    var steps = qcfs_steps(document, root)
    for i in range(len(values)):
        var y = qcfs(values[i], theta, Float64(steps))
        if y - y != 0:
            raise non_finite("qcfs.non-finite", String("/x/", i))
        values[i] = y
    return values^


def qcfs(x: Float64, theta: Float64, steps: Float64) -> Float64:
    """Quantises, clips, floors and shifts (Bu et al. 2022, "Optimal ANN-SNN conversion", ICLR).

    Args:
        x: The input, finite.
        theta: The largest activation, finite and above 0.
        steps: The number of levels above 0.

    Returns:
        ((clip(floor(((x * T) / theta) + 0.5), 0, T)) * theta) / T, each operation rounded.
    """
    # x * T and the quotient may be infinite, never NaN.
    var level = floor(((x * steps) / theta) + 0.5)
    var clipped = min(level, steps) if level > 0 else Float64(0)
    return (clipped * theta) / steps


def qcfs_input(document: Document, root: Int) raises Rejection -> List[Float64]:
    """Raises qcfs.input unless x is a list of finite Numbers, which is returned."""
    var x = document.member(root, "x")
    if not x:
        raise document.reject_missing("qcfs.input", root, "x")
    if not document.is_array(x.value()):
        raise document.reject(
            "qcfs.input", x.value(), "a list of finite Numbers"
        )
    var values = List[Float64](capacity=document.size(x.value()))
    for item in document.items(x.value()):
        var value = document.number(item)
        if not value or value.value() - value.value() != 0:
            raise document.reject("qcfs.input", item, "a finite Number")
        values.append(value.value())
    return values^


def qcfs_theta(document: Document, root: Int) raises Rejection -> Float64:
    """Raises qcfs.theta unless theta is a finite Number above 0, which is returned."""
    var theta = document.member(root, "theta")
    if not theta:
        raise document.reject_missing("qcfs.theta", root, "theta")
    return scale(document, theta.value(), "qcfs.theta")


def qcfs_steps(document: Document, root: Int) raises Rejection -> Int:
    """Raises qcfs.steps unless T is an Integer within 1 and MAX_STEPS, which is returned."""
    var node = document.member(root, "T")
    if not node:
        raise document.reject_missing("qcfs.steps", root, "T")
    var steps = document.integer(node.value()).or_else(0)
    if steps < 1 or steps > MAX_STEPS:
        raise document.reject(
            "qcfs.steps",
            node.value(),
            String("an Integer within 1 and ", MAX_STEPS),
        )
    return steps


@fieldwise_init
struct Balanced(Copyable):
    """A layer whose threshold is 1."""

    var shape: Shape
    """The shape of the weights."""
    var weights: List[Float64]
    """The weights, row by row."""
    var bias: Optional[List[Float64]]
    """One addend per output."""


def read_normalize(
    mut document: Document, root: Int
) raises Rejection -> List[Balanced]:
    """Balances the thresholds of `layers` by `scales` (Diehl et al. 2015, Rueckauer et al. 2017).

    Args:
        document: Holds the arguments.
        root: The object whose members they are.

    Returns:
        Per layer (weights * scale of the layer before) / its own scale, and bias / its own scale.

    Raises:
        Rejection: A rule from network.object to normalize.non-finite.
    """
    if not document.member(root, "layers"):
        raise document.reject_missing("network.layers", root, "layers")
    var layers = layer_nodes(document, root)
    normalize_object(document, layers)
    normalize_unknown_key(document, layers)
    normalize_missing_key(document, layers)
    network_layers(document, root)
    var parts: List[Part] = []
    for layer in layers:
        parts.append(Part(layer, Role.LAYER, LayerKind.DENSE))
    check_weights(document, parts, None)
    check_biases(document, parts, None)
    var scales = normalize_scales(document, root, len(layers))
    var balanced: List[Balanced] = []
    var before = Float64(1)
    for i in range(len(layers)):
        balanced.append(balance(document, layers[i], before, scales[i]))
        before = scales[i]
    normalize_non_finite(balanced)
    return balanced^


def balance(
    document: Document, layer: Int, before: Float64, scale: Float64
) -> Balanced:
    """Balances one layer.

    Args:
        document: Holds the layer.
        layer: A valid layer.
        before: The scale of the layer before.
        scale: The scale of this one.

    Returns:
        The layer, each operation rounded.
    """
    var matrix = document.member(layer, "weights").value()
    var weights: List[Float64] = []
    for row in document.items(matrix):
        for item in document.items(row):
            weights.append((document.number(item).or_else(0) * before) / scale)
    var bias: Optional[List[Float64]] = None
    var node = document.member(layer, "bias")
    if node:
        var row: List[Float64] = []
        for item in document.items(node.value()):
            row.append(document.number(item).or_else(0) / scale)
        bias = row^
    return Balanced(shape(document, matrix), weights^, bias^)


def normalize_object(document: Document, layers: List[Int]) raises Rejection:
    """Raises network.object where a layer is no object."""
    for layer in layers:
        if not document.is_object(layer):
            raise document.reject("network.object", layer, "an object")


def normalize_unknown_key(
    document: Document, layers: List[Int]
) raises Rejection:
    """Raises network.unknown-key at a key of a layer other than weights and bias."""
    var known: List[StaticString] = ["weights", "bias"]
    for layer in layers:
        for key in document.keys(layer):
            if not document.is_one_of(key, known):
                raise document.reject_unknown("network.unknown-key", key, known)


def normalize_missing_key(
    document: Document, layers: List[Int]
) raises Rejection:
    """Raises network.missing-key at a layer without weights."""
    for layer in layers:
        if not document.member(layer, "weights"):
            raise document.reject_missing(
                "network.missing-key", layer, "weights"
            )


def normalize_scales(
    document: Document, root: Int, layers: Int
) raises Rejection -> List[Float64]:
    """Raises normalize.scales unless scales has a finite Number above 0 for each layer; returns them."""
    var node = document.member(root, "scales")
    if not node:
        raise document.reject_missing("normalize.scales", root, "scales")
    if (
        not document.is_array(node.value())
        or document.size(node.value()) != layers
    ):
        raise document.reject(
            "normalize.scales",
            node.value(),
            String("a list with a scale for each of ", layers, " layers"),
        )
    var scales: List[Float64] = []
    for item in document.items(node.value()):
        scales.append(scale(document, item, "normalize.scales"))
    return scales^


def scale(
    document: Document, node: Int, code: StaticString
) raises Rejection -> Float64:
    """Raises `code` unless a value is a finite Number above 0, which is returned."""
    var value = document.number(node).or_else(-1)
    if not (value > 0 and value - value == 0):
        raise document.reject(code, node, "a finite Number above 0")
    return value


def normalize_non_finite(layers: List[Balanced]) raises Rejection:
    """Raises normalize.non-finite at a result that is not finite, a layer's weights before its bias."""
    for l in range(len(layers)):
        ref layer = layers[l]
        for i in range(len(layer.weights)):
            if layer.weights[i] - layer.weights[i] != 0:
                var place = String(
                    i // layer.shape.inputs, "/", i % layer.shape.inputs
                )
                raise non_finite(
                    "normalize.non-finite",
                    String("/layers/", l, "/weights/", place),
                )
        if not layer.bias:
            continue
        for i in range(len(layer.bias.value())):
            var value = layer.bias.value()[i]
            if value - value != 0:
                raise non_finite(
                    "normalize.non-finite", String("/layers/", l, "/bias/", i)
                )


def non_finite(code: StaticString, var path: String) -> Rejection:
    """Makes the rejection of an entry whose result is beyond binary64."""
    var message = String(path, ": the result is not finite")
    return Rejection(code, path^, message^)
