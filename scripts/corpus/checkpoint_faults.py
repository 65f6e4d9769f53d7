"""Checkpoints with exactly one fault each: cases of checkpoint.validate, lent to the transfer operations."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from cases import Patch, add, drop, put
from documents import checkpoint, named, without


@dataclass(frozen=True)
class Row:
    """One faulty document.

    Attributes:
        code, path: The due verdict; the path points into the document.
        why: What a port would get wrong.
        document: The checkpoint.
        patch: What makes it sound; its paths point into the document.
    """

    code: str
    path: str
    why: str
    document: Any
    patch: Patch
    tags: str = ""


W = checkpoint()["weights"]
NFC, NFD = "caf\u00e9", "cafe\u0301"

FAULTS: dict[str, Row] = {
    # --- checkpoint.object
    "array": Row("checkpoint.object", "", "A list of layers is no checkpoint.", [], put("", checkpoint())),
    "null": Row(
        "checkpoint.object", "", "Null is a value of the wrong type, not absence.", None, put("", checkpoint())
    ),
    "string": Row(
        "checkpoint.object", "", "A path to a checkpoint is no inline checkpoint.", "base.json", put("", checkpoint())
    ),
    "true": Row(
        "checkpoint.object", "", "True is no object, whatever `if document:` says.", True, put("", checkpoint())
    ),
    # --- checkpoint.unknown-key
    "unknown-key": Row(
        "checkpoint.unknown-key",
        "/layers",
        "An unknown key that is ignored hides a misspelt one.",
        checkpoint(layers=2),
        drop("/layers"),
    ),
    "unknown-key-n-layers": Row(
        "checkpoint.unknown-key",
        "/n_layers",
        "A sidecar file has n_layers; an inline checkpoint has not, even where the number is right.",
        checkpoint(n_layers=2),
        drop("/n_layers"),
    ),
    "unknown-key-capital": Row(
        "checkpoint.unknown-key",
        "/Metadata",
        "Keys are compared with their case.",
        checkpoint(Metadata={}),
        drop("/Metadata"),
    ),
    "unknown-key-escapes": Row(
        "checkpoint.unknown-key",
        "/~1~0~01\u00e9",
        "In a pointer '/' is ~1 and '~' is ~0, and no other character is escaped.",
        checkpoint(**{"/~~1\u00e9": 0}),
        drop("/~1~0~01\u00e9"),
        "unicode",
    ),
    # --- checkpoint.missing-key
    "missing-names": Row(
        "checkpoint.missing-key",
        "/layer_names",
        "The path names the member that is not there.",
        without(checkpoint(), "layer_names"),
        add("/layer_names", ["encoder", "head"]),
    ),
    "missing-sizes": Row(
        "checkpoint.missing-key",
        "/layer_sizes",
        "Sizes could be worked out from the weights, but are required.",
        without(checkpoint(), "layer_sizes"),
        add("/layer_sizes", [[3, 2], [2, 1]]),
    ),
    "missing-weights": Row(
        "checkpoint.missing-key",
        "/weights",
        "A checkpoint of zero layers needs its empty list of weights too.",
        {"layer_names": [], "layer_sizes": []},
        add("/weights", []),
    ),
    # --- checkpoint.names-type
    "names-string": Row(
        "checkpoint.names-type",
        "/layer_names",
        "A string is a sequence of one-letter strings in Python and Julia; here it is no list.",
        named("a", "b", layer_names="ab"),
        put("/layer_names", ["a", "b"]),
    ),
    "names-null": Row(
        "checkpoint.names-type",
        "/layer_names",
        "Null is there, so the key is not missing; its type is wrong.",
        named(layer_names=None),
        put("/layer_names", []),
    ),
    "names-object": Row(
        "checkpoint.names-type",
        "/layer_names",
        "Iterating over an object gives its keys, which are strings.",
        named("a", layer_names={"a": 0}),
        put("/layer_names", ["a"]),
    ),
    "names-number": Row(
        "checkpoint.names-type",
        "/layer_names/1",
        "A number among the names is not turned into a string.",
        named("a", "1", layer_names=["a", 1]),
        put("/layer_names/1", "1"),
    ),
    "names-entry-null": Row(
        "checkpoint.names-type",
        "/layer_names/0",
        "Null is no empty name.",
        named("", layer_names=[None]),
        put("/layer_names/0", ""),
    ),
    # --- checkpoint.names-unique
    "names-twice": Row(
        "checkpoint.names-unique",
        "/layer_names/2",
        "The second of the two is at fault, also where another name lies between.",
        named("a", "b", "a"),
        put("/layer_names/2", "c"),
    ),
    "names-empty-twice": Row(
        "checkpoint.names-unique",
        "/layer_names/1",
        "The empty name may occur once, not twice.",
        named("", ""),
        put("/layer_names/1", " "),
    ),
    "names-astral-twice": Row(
        "checkpoint.names-unique",
        "/layer_names/1",
        "Two equal astral names.",
        named("\U0001f600", "\U0001f600"),
        put("/layer_names/1", "\U0001f601"),
        "unicode",
    ),
    # --- checkpoint.weights-count
    "weights-short": Row(
        "checkpoint.weights-count",
        "/weights",
        "zip() over names and weights stops at the shorter one and finds no fault.",
        checkpoint(weights=W[:1]),
        add("/weights/1", W[1]),
    ),
    "weights-long": Row(
        "checkpoint.weights-count",
        "/weights",
        "zip() over names and weights drops the matrix too many.",
        checkpoint(weights=[*W, [[1.0]]]),
        drop("/weights/2"),
    ),
    "weights-null": Row(
        "checkpoint.weights-count",
        "/weights",
        "Null is no array, not even for zero layers.",
        named(weights=None),
        put("/weights", []),
    ),
    "weights-object": Row(
        "checkpoint.weights-count",
        "/weights",
        "An object with as many members as there are layers is no array.",
        named("a", weights={"a": [[1.0]]}),
        put("/weights", [[[1.0]]]),
    ),
    "weights-for-no-layer": Row(
        "checkpoint.weights-count",
        "/weights",
        "One matrix, zero layers.",
        named(weights=[[]]),
        put("/weights", []),
    ),
    # --- checkpoint.sizes-count
    "sizes-short": Row(
        "checkpoint.sizes-count",
        "/layer_sizes",
        "zip() over names and sizes stops at the shorter one.",
        checkpoint(layer_sizes=[[3, 2]]),
        add("/layer_sizes/1", [2, 1]),
    ),
    "sizes-chain": Row(
        "checkpoint.sizes-count",
        "/layer_sizes",
        "The widths 3, 2, 1 in one list (as scikit-learn has them) are three entries for two layers.",
        checkpoint(layer_sizes=[3, 2, 1]),
        put("/layer_sizes", [[3, 2], [2, 1]]),
    ),
    "sizes-null": Row(
        "checkpoint.sizes-count",
        "/layer_sizes",
        "Null is no array, not even for zero layers.",
        named(layer_sizes=None),
        put("/layer_sizes", []),
    ),
    # --- checkpoint.sizes-type
    "size-fraction": Row(
        "checkpoint.sizes-type",
        "/layer_sizes/0",
        "2.0 is not an Integer; the path is the pair, not the number.",
        checkpoint(layer_sizes=[[3, 2.0], [2, 1]]),
        put("/layer_sizes/0/1", 2),
    ),
    "size-negative": Row(
        "checkpoint.sizes-type",
        "/layer_sizes/1",
        "A negative size wraps to a huge one in an unsigned integer.",
        checkpoint(layer_sizes=[[3, 2], [-2, 1]]),
        put("/layer_sizes/1/0", 2),
    ),
    "size-true": Row(
        "checkpoint.sizes-type",
        "/layer_sizes/1",
        "True is 1 in Python.",
        checkpoint(layer_sizes=[[3, 2], [2, True]]),
        put("/layer_sizes/1/1", 1),
    ),
    "size-string": Row(
        "checkpoint.sizes-type",
        "/layer_sizes/0",
        "A string of digits is no Integer.",
        checkpoint(layer_sizes=[["3", 2], [2, 1]]),
        put("/layer_sizes/0/0", 3),
    ),
    "size-triple": Row(
        "checkpoint.sizes-type",
        "/layer_sizes/0",
        "Three entries are no pair; unpacking with a rest lets them pass.",
        checkpoint(layer_sizes=[[3, 2, 1], [2, 1]]),
        drop("/layer_sizes/0/2"),
    ),
    "size-single": Row(
        "checkpoint.sizes-type",
        "/layer_sizes/0",
        "One entry is no pair; an index past the end must not crash.",
        checkpoint(layer_sizes=[[3], [2, 1]]),
        add("/layer_sizes/0/1", 2),
    ),
    "size-number": Row(
        "checkpoint.sizes-type",
        "/layer_sizes/1",
        "A number alone is no pair.",
        checkpoint(layer_sizes=[[3, 2], 2]),
        put("/layer_sizes/1", [2, 1]),
    ),
    # --- checkpoint.types-type
    "types-string": Row(
        "checkpoint.types-type",
        "/neuron_types",
        "A string with as many letters as there are layers is no list.",
        checkpoint(neuron_types="IF"),
        put("/neuron_types", ["IF", "LIF"]),
    ),
    "types-null": Row(
        "checkpoint.types-type",
        "/neuron_types",
        "Null is a value of the wrong type; the default must not step in.",
        checkpoint(neuron_types=None),
        drop("/neuron_types"),
    ),
    "types-entry-null": Row(
        "checkpoint.types-type",
        "/neuron_types/1",
        "Null stands for no type in some exports; only strings are allowed.",
        checkpoint(neuron_types=["IF", None]),
        put("/neuron_types/1", "IF"),
    ),
    # --- checkpoint.types-count
    "types-short": Row(
        "checkpoint.types-count",
        "/neuron_types",
        "One type is not broadcast to all layers.",
        checkpoint(neuron_types=["IF"]),
        add("/neuron_types/1", "IF"),
    ),
    "types-long": Row(
        "checkpoint.types-count",
        "/neuron_types",
        "Three types for two layers: zip() drops one in silence.",
        checkpoint(neuron_types=["IF", "IF", "IF"]),
        drop("/neuron_types/2"),
    ),
    "types-for-no-layer": Row(
        "checkpoint.types-count",
        "/neuron_types",
        "One type, zero layers.",
        named(neuron_types=["IF"]),
        drop("/neuron_types/0"),
    ),
    # --- checkpoint.frozen-type
    "frozen-string": Row(
        "checkpoint.frozen-type",
        "/frozen_layers",
        "The string 'a' iterates as the name 'a'; it is no list.",
        named("a", frozen_layers="a"),
        put("/frozen_layers", ["a"]),
    ),
    "frozen-index": Row(
        "checkpoint.frozen-type",
        "/frozen_layers/1",
        "Layers are frozen by name, an index among them is of the wrong type.",
        checkpoint(frozen_layers=["encoder", 1]),
        put("/frozen_layers/1", "head"),
    ),
    "frozen-null": Row(
        "checkpoint.frozen-type",
        "/frozen_layers",
        "Null is a value of the wrong type; the default must not step in.",
        checkpoint(frozen_layers=None),
        drop("/frozen_layers"),
    ),
    "frozen-list": Row(
        "checkpoint.frozen-type",
        "/frozen_layers/0",
        "A list among the names cannot be hashed and must not crash a set.",
        checkpoint(frozen_layers=[["encoder"]]),
        put("/frozen_layers/0", "encoder"),
    ),
    # --- checkpoint.frozen-unknown
    "frozen-unknown": Row(
        "checkpoint.frozen-unknown",
        "/frozen_layers/1",
        "A frozen name that does not exist freezes nothing and hides a mistake.",
        checkpoint(frozen_layers=["head", "decoder"]),
        drop("/frozen_layers/1"),
    ),
    "frozen-other-case": Row(
        "checkpoint.frozen-unknown",
        "/frozen_layers/0",
        "Names are compared with their case.",
        checkpoint(frozen_layers=["Encoder"]),
        put("/frozen_layers/0", "encoder"),
    ),
    "frozen-other-normal-form": Row(
        "checkpoint.frozen-unknown",
        "/frozen_layers/0",
        "Names that only normalisation makes equal are different names: file systems and Swift compare them otherwise.",
        named(NFC, frozen_layers=[NFD]),
        put("/frozen_layers/0", NFC),
        "unicode",
    ),
    "frozen-empty-name": Row(
        "checkpoint.frozen-unknown",
        "/frozen_layers/0",
        "The empty name is a name, and no layer has it here.",
        checkpoint(frozen_layers=[""]),
        drop("/frozen_layers/0"),
    ),
    "frozen-nul": Row(
        "checkpoint.frozen-unknown",
        "/frozen_layers/0",
        "A comparison of C strings ends at the NUL and finds the layer 'a'.",
        named("a", frozen_layers=["a\x00b"]),
        put("/frozen_layers/0", "a"),
        "unicode",
    ),
    # --- checkpoint.metadata-type
    "metadata-list": Row(
        "checkpoint.metadata-type",
        "/metadata",
        "An empty list is falsy like an empty object, but is none.",
        checkpoint(metadata=[]),
        put("/metadata", {}),
    ),
    "metadata-null": Row(
        "checkpoint.metadata-type",
        "/metadata",
        "Null is a value of the wrong type; the default must not step in.",
        checkpoint(metadata=None),
        drop("/metadata"),
    ),
    "metadata-string": Row(
        "checkpoint.metadata-type",
        "/metadata",
        "JSON within a string is a string.",
        checkpoint(metadata="{}"),
        put("/metadata", {}),
    ),
    # --- checkpoint.weight-type
    "weight-true": Row(
        "checkpoint.weight-type",
        "/weights/0/1/2",
        "True becomes 1.0 in a NumPy array and in Julia.",
        checkpoint(weights=[[[0.5, -0.25, 1.0], [0.125, 0.0, True]], W[1]]),
        put("/weights/0/1/2", 1.0),
    ),
    "weight-null": Row(
        "checkpoint.weight-type",
        "/weights/1/0/0",
        "Null becomes NaN in NumPy and pandas.",
        checkpoint(weights=[W[0], [[None, 1.0]]]),
        put("/weights/1/0/0", 0.0),
    ),
    "weight-numeric-string": Row(
        "checkpoint.weight-type",
        "/weights/1/0/1",
        "float() and NumPy read a numeric string.",
        checkpoint(weights=[W[0], [[1.0, "0.5"]]]),
        put("/weights/1/0/1", 0.5),
    ),
    "weight-nan-lower-case": Row(
        "checkpoint.weight-type",
        "/weights/1/0/0",
        "Only the exact string NaN is a Number.",
        checkpoint(weights=[W[0], [["nan", 1.0]]]),
        put("/weights/1/0/0", 0.0),
    ),
    "weight-object": Row(
        "checkpoint.weight-type",
        "/weights/1/0/0",
        "A complex number as an object must not lose its imaginary part.",
        checkpoint(weights=[W[0], [[{"re": 1.0, "im": 0.0}, 1.0]]]),
        put("/weights/1/0/0", 1.0),
    ),
    "weight-matrix-object": Row(
        "checkpoint.weight-type",
        "/weights/1",
        "An object instead of a matrix is a leaf of the wrong type, not a matrix of the wrong rank.",
        checkpoint(weights=[W[0], {"data": [1.0, 1.0]}]),
        put("/weights/1", [[1.0, 1.0]]),
    ),
    "weight-matrix-null": Row(
        "checkpoint.weight-type",
        "/weights/0",
        "Null instead of a matrix is a leaf of the wrong type, not a matrix of the wrong rank.",
        checkpoint(weights=[None, W[1]]),
        put("/weights/0", W[0]),
    ),
    "weight-row-string": Row(
        "checkpoint.weight-type",
        "/weights/1/0",
        "A string instead of a row is a leaf of the wrong type.",
        checkpoint(weights=[W[0], ["1.5,-0.5"]]),
        put("/weights/1/0", [1.5, -0.5]),
    ),
    # --- checkpoint.weight-rank
    "weight-vector": Row(
        "checkpoint.weight-rank",
        "/weights/1",
        "NumPy broadcasts a vector to a matrix of one row.",
        checkpoint(weights=[W[0], [1.5, -0.5]]),
        put("/weights/1", [[1.5, -0.5]]),
    ),
    "weight-scalar": Row(
        "checkpoint.weight-rank",
        "/weights/0",
        "A number alone is a Number, but no matrix, not even for the shape (1, 1).",
        named("a", weights=[1.0]),
        put("/weights/0", [[1.0]]),
    ),
    "weight-nan-scalar": Row(
        "checkpoint.weight-rank",
        "/weights/0",
        "The string NaN is a Number, so rank is the fault, and finiteness is not asked yet.",
        named("a", weights=["NaN"]),
        put("/weights/0", [[0.0]]),
    ),
    "weight-cube": Row(
        "checkpoint.weight-rank",
        "/weights/0",
        "squeeze() makes a matrix of three nested levels.",
        named("a", weights=[[[[1.0]]]]),
        put("/weights/0", [[1.0]]),
    ),
    "weight-ragged": Row(
        "checkpoint.weight-rank",
        "/weights/0",
        "A shorter second row; NumPy makes an array of objects of it.",
        checkpoint(weights=[[[0.5, -0.25, 1.0], [0.125, 0.0]], W[1]]),
        add("/weights/0/1/2", -1.0),
    ),
    "weight-ragged-empty": Row(
        "checkpoint.weight-rank",
        "/weights/0",
        "The first row is empty, the second is not: a width taken from the last row, or from any, finds no fault.",
        named("a", layer_sizes=[[1, 2]], weights=[[[], [1.0]]]),
        add("/weights/0/0/0", 1.0),
    ),
    "weight-mixed-row": Row(
        "checkpoint.weight-rank",
        "/weights/0",
        "One element of a row is an array; the path is the matrix, not the element.",
        checkpoint(weights=[[[0.5, [-0.25], 1.0], [0.125, 0.0, -1.0]], W[1]]),
        put("/weights/0/0/1", -0.25),
    ),
    "weight-row-number": Row(
        "checkpoint.weight-rank",
        "/weights/0",
        "The second row is a number and has no length.",
        named("a", layer_sizes=[[1, 2]], weights=[[[1.0], 2.0]]),
        put("/weights/0/1", [2.0]),
    ),
    # --- checkpoint.weight-shape
    "weight-transposed": Row(
        "checkpoint.weight-shape",
        "/weights/0",
        "(input, output) as Keras stores it: three rows of two instead of two rows of three.",
        checkpoint(weights=[[[0.5, 0.125], [-0.25, 0.0], [1.0, -1.0]], W[1]]),
        put("/weights/0", W[0]),
    ),
    "weight-column": Row(
        "checkpoint.weight-shape",
        "/weights/1",
        "A column of two where a row of two is due: the same number of elements, and reshape() is silent.",
        checkpoint(weights=[W[0], [[1.5], [-0.5]]]),
        put("/weights/1", [[1.5, -0.5]]),
    ),
    "weight-broadcast": Row(
        "checkpoint.weight-shape",
        "/weights/0",
        "One row for two outputs: NumPy broadcasts it.",
        checkpoint(weights=[[[0.5, -0.25, 1.0]], W[1]]),
        add("/weights/0/1", [0.125, 0.0, -1.0]),
    ),
    "weight-empty-for-some": Row(
        "checkpoint.weight-shape",
        "/weights/0",
        "`[]` is (0, n) for any n, but one output is due.",
        named("a", weights=[[]]),
        put("/weights/0", [[1.0]]),
    ),
    "weight-zero-wide-for-zero-high": Row(
        "checkpoint.weight-shape",
        "/weights/0",
        "`[[]]` is (1, 0), where (0, 0) is due: both hold no number.",
        named("a", layer_sizes=[[0, 0]], weights=[[[]]]),
        drop("/weights/0/0"),
    ),
    "weight-zero-high-for-zero-wide": Row(
        "checkpoint.weight-shape",
        "/weights/0",
        "`[]` is (0, n), where (2, 0) is due: the product is 0 either way.",
        named("a", layer_sizes=[[0, 2]], weights=[[]]),
        put("/weights/0", [[], []]),
    ),
    # --- checkpoint.weight-finite
    "weight-nan": Row(
        "checkpoint.weight-finite",
        "/weights/1/0/1",
        "NaN passes every check that is written as a comparison.",
        checkpoint(weights=[W[0], [[1.5, "NaN"]]]),
        put("/weights/1/0/1", -0.5),
    ),
    "weight-infinity": Row(
        "checkpoint.weight-finite",
        "/weights/0/0/0",
        "The string Infinity is a Number, and not finite.",
        checkpoint(weights=[[["Infinity", -0.25, 1.0], [0.125, 0.0, -1.0]], W[1]]),
        put("/weights/0/0/0", 0.5),
    ),
    "weight-minus-infinity": Row(
        "checkpoint.weight-finite",
        "/weights/0/1/2",
        "Minus infinity is no number below all others here.",
        checkpoint(weights=[[[0.5, -0.25, 1.0], [0.125, 0.0, "-Infinity"]], W[1]]),
        put("/weights/0/1/2", -1.0),
    ),
}
