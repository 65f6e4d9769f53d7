"""Cases of checkpoint.validate: inline checkpoints alone."""

from __future__ import annotations

import json
from typing import Any

from cases import Cases, Fault, add, below, doc, drop, put, raw, reraw, retext, text
from checkpoint_faults import FAULTS, NFC, NFD, W
from documents import checkpoint, named, without

validate = Cases("checkpoint.validate")
TABLES = [validate]

for name, row in FAULTS.items():
    patch = below("/document", row.patch)
    validate.reject(f"checkpoint-{name}", row.code, row.path, row.why, doc(row.document), patch, tags=row.tags)


# --- accepted: (id, the rules that it nearly breaks, why, document, facts)

FULLWIDTH, GRIN = "\uff5e", "\U0001f600"
"""U+FF5E and U+1F600: in UTF-16 the latter begins with D83D and sorts first, by code point it is the greater."""

CAPITALS = ["a", "B", "\u00e4", "z", "Z", "_", "1"]
CAPITALS_SORTED = ["1", "B", "Z", "_", "a", "z", "\u00e4"]


def facts(names: list[str], params: int, frozen: list[str]) -> dict[str, Any]:
    return {"n_layers": len(names), "total_params": params, "layer_names": names, "frozen_layers": frozen}


def all_frozen(*names: str) -> dict[str, Any]:
    return named(*names, frozen_layers=list(names))


SOUND: list[tuple[str, str | tuple[str, ...], str, dict[str, Any], dict[str, Any]]] = [
    (
        "two-layers",
        ("checkpoint.object", "checkpoint.missing-key"),
        "Only the required members; the parameters are 3*2 + 2*1, biases are not counted.",
        checkpoint(),
        facts(["encoder", "head"], 8, []),
    ),
    (
        "all-keys",
        "checkpoint.unknown-key",
        "Every key that there is, in an order of its own.",
        {
            "metadata": {"layer_names": 1},
            "frozen_layers": ["head"],
            "weights": W,
            "neuron_types": ["IF", "LIF"],
            "layer_sizes": [[3, 2], [2, 1]],
            "layer_names": ["encoder", "head"],
        },
        facts(["encoder", "head"], 8, ["head"]),
    ),
    (
        "unknown-key-in-metadata",
        "checkpoint.unknown-key",
        "Keys within metadata are free, also those that name members of a checkpoint.",
        checkpoint(metadata={"weights": None, "n_layers": 2, "": {"~/": []}}),
        facts(["encoder", "head"], 8, []),
    ),
    (
        "zero-layers",
        ("checkpoint.missing-key", "checkpoint.weights-count", "checkpoint.sizes-count", "checkpoint.object"),
        "No layer at all is sound; an empty list is there, though falsy.",
        named(),
        facts([], 0, []),
    ),
    (
        "zero-layers-everything-empty",
        ("checkpoint.types-count", "checkpoint.weights-count"),
        "Zero types for zero layers are both empty and one per layer.",
        named(neuron_types=[], metadata={}, frozen_layers=[]),
        facts([], 0, []),
    ),
    (
        "one-layer",
        ("checkpoint.sizes-count", "checkpoint.weights-count"),
        "One pair for one layer is one size, not two.",
        checkpoint(layer_names=["a"], layer_sizes=[[3, 2]], weights=W[:1]),
        facts(["a"], 6, []),
    ),
    (
        "names-empty",
        "checkpoint.names-type",
        "The empty name is a string, and falsy.",
        all_frozen(""),
        facts([""], 1, [""]),
    ),
    (
        "names-with-controls",
        "checkpoint.names-type",
        "Names are any strings: control characters, slashes, tildes, quotes travel unchanged.",
        named("a/b", "~0", "\x00", "\n", '"', "\\", "\u2028"),
        facts(["a/b", "~0", "\x00", "\n", '"', "\\", "\u2028"], 7, []),
    ),
    (
        "names-case",
        "checkpoint.names-unique",
        "Names that differ in case are different names.",
        named("fc", "FC", "Fc"),
        facts(["fc", "FC", "Fc"], 3, []),
    ),
    (
        "names-normal-forms",
        "checkpoint.names-unique",
        "Names that only normalisation makes equal are different names, and are answered as they came.",
        all_frozen(NFC, NFD),
        facts([NFC, NFD], 2, [NFD, NFC]),
    ),
    (
        "names-space",
        "checkpoint.names-unique",
        "Trimming makes these three equal.",
        named("a", "a ", " a"),
        facts(["a", "a ", " a"], 3, []),
    ),
    (
        "names-nul",
        "checkpoint.names-unique",
        "A comparison of C strings ends at the NUL.",
        all_frozen("a\x00c", "a\x00b", "a"),
        facts(["a\x00c", "a\x00b", "a"], 3, ["a", "a\x00b", "a\x00c"]),
    ),
    (
        "names-casefold",
        "checkpoint.names-unique",
        "Sharp s folds to ss and dotless i to i in some locales; code points differ.",
        named("\u00df", "ss", "\u0131", "i", "I", "\u0130"),
        facts(["\u00df", "ss", "\u0131", "i", "I", "\u0130"], 6, []),
    ),
    (
        "frozen-order-astral",
        "checkpoint.frozen-unknown",
        "By code point U+FF5E is below U+1F600; by UTF-16 units (Java, JavaScript, C#) it is above.",
        all_frozen(GRIN, FULLWIDTH),
        facts([GRIN, FULLWIDTH], 2, [FULLWIDTH, GRIN]),
    ),
    (
        "frozen-order-private-use",
        "checkpoint.frozen-unknown",
        "U+E000 and U+10000 are the closest neighbours that UTF-16 puts in the wrong order.",
        all_frozen("\U00010000", "\ue000", "\ud7ff"),
        facts(["\U00010000", "\ue000", "\ud7ff"], 3, ["\ud7ff", "\ue000", "\U00010000"]),
    ),
    (
        "frozen-order-locale",
        "checkpoint.frozen-unknown",
        "A locale sorts a before B and the umlaut beside a; by code point capitals come first and it comes last.",
        all_frozen(*CAPITALS),
        facts(CAPITALS, 7, CAPITALS_SORTED),
    ),
    (
        "frozen-order-prefix",
        "checkpoint.frozen-unknown",
        "A prefix sorts before what it begins, the empty name before all, and digits as text: 10 before 9.",
        all_frozen("ab", "a", "", "b", "layer9", "layer10"),
        facts(["ab", "a", "", "b", "layer9", "layer10"], 6, ["", "a", "ab", "b", "layer10", "layer9"]),
    ),
    (
        "frozen-order-second-character",
        "checkpoint.frozen-unknown",
        "The first character is equal, the second decides between an astral and a fullwidth one.",
        all_frozen("x" + GRIN, "x" + FULLWIDTH, "x"),
        facts(["x" + GRIN, "x" + FULLWIDTH, "x"], 3, ["x", "x" + FULLWIDTH, "x" + GRIN]),
    ),
    (
        "frozen-repeats",
        "checkpoint.frozen-type",
        "A name frozen twice is no fault and is answered once.",
        checkpoint(frozen_layers=["head", "encoder", "head"]),
        facts(["encoder", "head"], 8, ["encoder", "head"]),
    ),
    (
        "frozen-none",
        "checkpoint.frozen-type",
        "An empty list of frozen layers.",
        checkpoint(frozen_layers=[]),
        facts(["encoder", "head"], 8, []),
    ),
    (
        "types-any-strings",
        "checkpoint.types-type",
        "Types are any strings, known or not, empty or not.",
        checkpoint(neuron_types=["", "Izhikevich \U0001f9e0"]),
        facts(["encoder", "head"], 8, []),
    ),
    (
        "types-empty",
        ("checkpoint.types-count", "checkpoint.types-type"),
        "No types at all for two layers are allowed.",
        checkpoint(neuron_types=[]),
        facts(["encoder", "head"], 8, []),
    ),
    (
        "metadata-empty",
        "checkpoint.metadata-type",
        "An empty object is an object, and falsy.",
        checkpoint(metadata={}),
        facts(["encoder", "head"], 8, []),
    ),
    (
        "metadata-any-json",
        "checkpoint.metadata-type",
        "Metadata is any JSON: nulls, bools, ragged arrays and strings like NaN mean nothing here.",
        checkpoint(metadata={"a": None, "b": [True, [], [1, [2.5]]], "c": "NaN", "": {"": {}}}),
        facts(["encoder", "head"], 8, []),
    ),
    (
        "size-zero-high",
        ("checkpoint.weight-rank", "checkpoint.sizes-type"),
        "`[]` is a matrix of zero outputs; its row 0 does not exist.",
        named("a", layer_sizes=[[5, 0]], weights=[[]]),
        facts(["a"], 0, []),
    ),
    (
        "size-zero-wide",
        ("checkpoint.weight-rank", "checkpoint.weight-shape"),
        "`[[], []]` is a matrix of two outputs and no input.",
        named("a", layer_sizes=[[0, 2]], weights=[[[], []]]),
        facts(["a"], 0, []),
    ),
    (
        "size-zero-both",
        "checkpoint.weight-shape",
        "`[]` is (0, 0) too.",
        named("a", layer_sizes=[[0, 0]], weights=[[]]),
        facts(["a"], 0, []),
    ),
    (
        "size-max-integer",
        ("checkpoint.sizes-type", "checkpoint.weight-shape"),
        "`[]` is (0, n) for any n, also 2^53-1: nothing may be allocated by a declared size.",
        named("a", layer_sizes=[[9007199254740991, 0]], weights=[[]]),
        facts(["a"], 0, []),
    ),
    (
        "layers-need-not-chain",
        "checkpoint.weight-shape",
        "The output of layer 0 is not the input of layer 1: that is no business of a checkpoint.",
        {
            "layer_names": ["a", "b"],
            "layer_sizes": [[2, 1], [3, 1]],
            "weights": [[[1.0, 2.0]], [[1.0, 2.0, 3.0]]],
        },
        facts(["a", "b"], 5, []),
    ),
    (
        "weight-integers",
        "checkpoint.weight-type",
        "Integers are Numbers, also beside fractions.",
        checkpoint(weights=[[[1, 0, -1], [2, 0.5, 3]], [[0, 1]]]),
        facts(["encoder", "head"], 8, []),
    ),
    (
        "weight-minus-zero-and-subnormal",
        ("checkpoint.weight-type", "checkpoint.weight-finite"),
        "-0.0 and the smallest subnormal are finite Numbers like all others.",
        checkpoint(weights=[W[0], [[-0.0, 5e-324]]]),
        facts(["encoder", "head"], 8, []),
    ),
    (
        "weight-max",
        "checkpoint.weight-finite",
        "The largest finite numbers; their sum, or their float32, is infinite, they are not.",
        checkpoint(weights=[W[0], [[1.7976931348623157e308, -1.7976931348623157e308]]]),
        facts(["encoder", "head"], 8, []),
    ),
]
for name, near, why, document, output in SOUND:
    tags = "unicode" if "order" in name or name.startswith("names-") else ""
    validate.accept(f"checkpoint-near-{name}", why, doc(document), near=near, facts=output, tags=tags)


# --- texts: what a value would not carry


def of_text(sizes: str = "[[1,1]]", weights: str = "[[[1]]]", more: str = "") -> str:
    """The text of a checkpoint of one layer."""
    return f'{{"layer_names":["a"],"layer_sizes":{sizes},"weights":{weights}{more}}}'


def metadata(nested: str) -> str:
    return of_text(more=f',"metadata":{nested}')


PLAIN = of_text()
TEXT_FAULTS = [
    ("syntax", "json.syntax", "", of_text(weights="[[[1.]]]"), PLAIN, "Weights are read as strictly as by json.parse."),
    (
        "nan-literal",
        "json.syntax",
        "",
        of_text(weights="[[[NaN]]]"),
        PLAIN,
        "Python writes NaN so; only the string is a Number.",
    ),
    (
        "surrogate",
        "json.surrogate",
        "",
        metadata('{"\\udc00":1}'),
        metadata("{}"),
        "Half a surrogate pair deep in metadata, in a key.",
    ),
    (
        "duplicate-key",
        "json.duplicate-key",
        "",
        of_text(more=',"weights":[[[2]]]'),
        PLAIN,
        "Two sets of weights: which one holds must not depend on the reader.",
    ),
    (
        "duplicate-key-escaped",
        "json.duplicate-key",
        "",
        of_text(more=',"weigh\\u0074s":[]'),
        PLAIN,
        "The second set of weights is spelt with an escape.",
    ),
    (
        "depth",
        "json.depth",
        "",
        metadata('{"":' * 64 + "1" + "}" * 64),
        metadata("{}"),
        "The checkpoint itself is level 1, so metadata has 63 left.",
    ),
    (
        "number-range",
        "json.number-range",
        "",
        of_text(weights="[[[1e309]]]"),
        PLAIN,
        "1e309 is a fault of the text, the string Infinity one of the weight.",
    ),
    (
        "number-range-in-metadata",
        "json.number-range",
        "",
        metadata('{"loss":1e999}'),
        metadata("{}"),
        "Numbers that nobody uses are read as well.",
    ),
    (
        "size-exponent",
        "checkpoint.sizes-type",
        "/layer_sizes/0",
        of_text(sizes="[[1e0,1]]"),
        PLAIN,
        "1e0 is not an Integer: it has an exponent.",
    ),
    (
        "size-above-integer",
        "checkpoint.sizes-type",
        "/layer_sizes/0",
        of_text("[[9007199254740992,0]]", "[[]]"),
        of_text("[[9007199254740991,0]]", "[[]]"),
        "2^53 is no Integer, 2^53-1 would be.",
    ),
    (
        "size-uint64-wraps",
        "checkpoint.sizes-type",
        "/layer_sizes/0",
        of_text("[[18446744073709551617,1]]"),
        PLAIN,
        "2^64+1 wraps to 1, which would be the right size.",
    ),
    (
        "weight-string-infinity",
        "checkpoint.weight-finite",
        "/weights/0/0/0",
        of_text(weights='[[["Infinity"]]]'),
        PLAIN,
        "The string Infinity is a Number and then meets the rule on finiteness.",
    ),
]
for name, code, path, bad, good, why in TEXT_FAULTS:
    validate.reject(f"checkpoint-text-{name}", code, path, why, text(bad), retext(good))
validate.reject(
    "checkpoint-text-encoding",
    "json.encoding",
    "",
    "A layer name in Latin-1 must not be read with a replacement character.",
    raw(b'{"layer_names":["\xe4"],"layer_sizes":[[1,1]],"weights":[[[1]]]}'),
    reraw(b'{"layer_names":["\xc3\xa4"],"layer_sizes":[[1,1]],"weights":[[[1]]]}'),
    tags="unicode",
)

TEXT_SOUND = [
    (
        "depth-64",
        "json.depth",
        metadata('{"":' * 62 + "{}" + "}" * 62),
        1,
        "Level 1 is the checkpoint, levels 2 to 64 are metadata: just allowed.",
    ),
    (
        "minus-zero-size",
        "checkpoint.sizes-type",
        of_text("[[-0,1]]", "[[[]]]"),
        0,
        "-0 is the Integer 0, and not negative.",
    ),
    (
        "long-integer-weight",
        "checkpoint.weight-type",
        of_text(weights="[[[1" + "0" * 300 + "]]]"),
        1,
        "An integer text of 301 digits is a Number.",
    ),
    (
        "rounded-weight",
        "checkpoint.weight-type",
        of_text(weights="[[[9007199254740993]]]"),
        1,
        "Number text is rounded to nearest; only typed integer arrays must be exact.",
    ),
    (
        "underflow-weight",
        "checkpoint.weight-finite",
        of_text(weights="[[[-1e-400]]]"),
        1,
        "Too small a number is read as a signed zero.",
    ),
    (
        "max-weight",
        "json.number-range",
        of_text(weights="[[[1.7976931348623158e308]]]"),
        1,
        "The digits lie above the largest binary64, the nearest binary64 is finite.",
    ),
    (
        "escaped-keys",
        "checkpoint.missing-key",
        of_text().replace("weights", "\\u0077eights"),
        1,
        "Keys are compared after unescaping.",
    ),
    (
        "same-key-in-metadata",
        "json.duplicate-key",
        metadata('{"weights":1,"metadata":{"weights":2}}'),
        1,
        "Equal keys in different objects are no fault.",
    ),
]
for name, near, good, params, why in TEXT_SOUND:
    validate.accept(f"checkpoint-text-{name}", why, text(good), near=near, facts=facts(["a"], params, []))


# --- which of two faults: neighbouring rules, the later one earlier in the document


def order(name: str, why: str, document: Any, *faults: Fault) -> None:
    """Declare a document with several faults; the patches point into it."""
    placed = [(code, path, below("/document", patch)) for code, path, patch in faults]
    validate.precedence(f"checkpoint-{name}", why, doc(document), placed)


order(
    "unknown-key-before-missing-key",
    "A misspelt key is both unknown and missing: the unknown one is due first.",
    without(checkpoint(layer_size=[[3, 2], [2, 1]]), "layer_sizes"),
    ("checkpoint.unknown-key", "/layer_size", drop("/layer_size")),
    ("checkpoint.missing-key", "/layer_sizes", add("/layer_sizes", [[3, 2], [2, 1]])),
)
order(
    "missing-key-before-names-type",
    "The names are read before it is noticed that the weights are missing.",
    without(named("0", layer_names=[0]), "weights"),
    ("checkpoint.missing-key", "/weights", add("/weights", [[[1.0]]])),
    ("checkpoint.names-type", "/layer_names/0", put("/layer_names/0", "0")),
)
order(
    "names-type-before-names-unique",
    "Looking for repeats while reading the names meets the repeat at 1 before the number at 2.",
    named("a", "a", "1", layer_names=["a", "a", 1]),
    ("checkpoint.names-type", "/layer_names/2", put("/layer_names/2", "1")),
    ("checkpoint.names-unique", "/layer_names/1", put("/layer_names/1", "b")),
)
order(
    "names-unique-before-weights-count",
    "The members stand in reverse: document order decides only within one rule.",
    {"weights": [], "layer_sizes": [[1, 1], [1, 1]], "layer_names": ["a", "a"]},
    ("checkpoint.names-unique", "/layer_names/1", put("/layer_names/1", "b")),
    ("checkpoint.weights-count", "/weights", put("/weights", [[[1.0]], [[1.0]]])),
)
order(
    "weights-count-before-sizes-count",
    "The sizes stand first, but the count of the weights is due first.",
    {"layer_sizes": [], "weights": [], "layer_names": ["a"]},
    ("checkpoint.weights-count", "/weights", put("/weights", [[[1.0]]])),
    ("checkpoint.sizes-count", "/layer_sizes", put("/layer_sizes", [[1, 1]])),
)
order(
    "sizes-count-before-sizes-type",
    "Reading the pairs before counting them meets the wrong pair first.",
    checkpoint(layer_sizes=[[3, 2.5]]),
    ("checkpoint.sizes-count", "/layer_sizes", add("/layer_sizes/1", [2, 1])),
    ("checkpoint.sizes-type", "/layer_sizes/0", put("/layer_sizes/0/1", 2)),
)
order(
    "sizes-type-before-types-type",
    "The types stand first in the document.",
    {"neuron_types": [1, 2], **checkpoint(layer_sizes=[[3, 2], [2, None]])},
    ("checkpoint.sizes-type", "/layer_sizes/1", put("/layer_sizes/1/1", 1)),
    ("checkpoint.types-type", "/neuron_types/0", put("/neuron_types", ["IF", "IF"])),
)
order(
    "types-type-before-types-count",
    "Counting before reading reports the list instead of its entry.",
    checkpoint(neuron_types=["IF", "IF", None]),
    ("checkpoint.types-type", "/neuron_types/2", put("/neuron_types/2", "IF")),
    ("checkpoint.types-count", "/neuron_types", drop("/neuron_types/2")),
)
order(
    "types-count-before-frozen-type",
    "The frozen layers stand first in the document.",
    {"frozen_layers": "head", **checkpoint(neuron_types=["IF"])},
    ("checkpoint.types-count", "/neuron_types", put("/neuron_types", [])),
    ("checkpoint.frozen-type", "/frozen_layers", put("/frozen_layers", ["head"])),
)
order(
    "frozen-type-before-frozen-unknown",
    "Looking names up while reading them meets the unknown one at 0 first.",
    checkpoint(frozen_layers=["decoder", 0]),
    ("checkpoint.frozen-type", "/frozen_layers/1", put("/frozen_layers/1", "encoder")),
    ("checkpoint.frozen-unknown", "/frozen_layers/0", put("/frozen_layers/0", "head")),
)
order(
    "frozen-unknown-before-metadata-type",
    "The metadata stand first in the document.",
    {"metadata": None, **checkpoint(frozen_layers=["tail"])},
    ("checkpoint.frozen-unknown", "/frozen_layers/0", put("/frozen_layers/0", "head")),
    ("checkpoint.metadata-type", "/metadata", put("/metadata", {})),
)
order(
    "metadata-type-before-weight-type",
    "Arrays are often made while the document is read, and metadata looked at last.",
    checkpoint(weights=[[[None, 0, 0], [0, 0, 0]], W[1]], metadata=[]),
    ("checkpoint.metadata-type", "/metadata", put("/metadata", {})),
    ("checkpoint.weight-type", "/weights/0/0/0", put("/weights/0/0/0", 0)),
)
order(
    "weight-type-before-weight-rank",
    "Every leaf of every layer is looked at before any rank: the ragged matrix is layer 0, the bool is in the last.",
    checkpoint(weights=[[[1, 2, 3], [4, 5]], [[1.5, True]]]),
    ("checkpoint.weight-type", "/weights/1/0/1", put("/weights/1/0/1", 1)),
    ("checkpoint.weight-rank", "/weights/0", add("/weights/0/1/2", 6)),
)
order(
    "weight-type-before-weight-rank-in-one-matrix",
    "The leaf of the wrong type lies deeper than a matrix is nested.",
    named("a", weights=[[[1, [2, [None]]]]]),
    ("checkpoint.weight-type", "/weights/0/0/1/1/0", put("/weights/0/0/1/1/0", 3)),
    ("checkpoint.weight-rank", "/weights/0", put("/weights/0", [[1]])),
)
order(
    "weight-rank-before-weight-shape",
    "Layer by layer the shape of layer 0 is met first.",
    checkpoint(weights=[[[1, 2], [3, 4]], [1.5, -0.5]]),
    ("checkpoint.weight-rank", "/weights/1", put("/weights/1", [[1.5, -0.5]])),
    ("checkpoint.weight-shape", "/weights/0", put("/weights/0", W[0])),
)
order(
    "weight-shape-before-weight-finite",
    "Layer by layer the NaN of layer 0 is met first.",
    checkpoint(weights=[[["NaN", 0, 0], [0, 0, 0]], [[1], [2]]]),
    ("checkpoint.weight-shape", "/weights/1", put("/weights/1", [[1, 2]])),
    ("checkpoint.weight-finite", "/weights/0/0/0", put("/weights/0/0/0", 0)),
)
order(
    "weight-rank-before-weight-finite",
    "A ragged last layer is due before a NaN in the first.",
    checkpoint(weights=[[["NaN", 0, 0], [0, 0, 0]], [[1, 2], [3]]]),
    ("checkpoint.weight-rank", "/weights/1", put("/weights/1", [[1, 2]])),
    ("checkpoint.weight-finite", "/weights/0/0/0", put("/weights/0/0/0", 0)),
)
order(
    "metadata-type-before-weight-finite",
    "Far apart in the table: a NaN is found while the array is made, long before the metadata.",
    checkpoint(weights=[W[0], [["NaN", 1]]], metadata="x"),
    ("checkpoint.metadata-type", "/metadata", put("/metadata", {})),
    ("checkpoint.weight-finite", "/weights/1/0/0", put("/weights/1/0/0", 0)),
)

# Within one rule: the first fault in traversal order.
order(
    "two-unknown-keys",
    "The first unknown key in document order, neither sorted nor hashed.",
    {"version": 1, **checkpoint(), "author": "x"},
    ("checkpoint.unknown-key", "/version", drop("/version")),
    ("checkpoint.unknown-key", "/author", drop("/author")),
)
order(
    "three-missing-keys",
    "Missing members are reported in the order of the contract.",
    {"metadata": {}},
    ("checkpoint.missing-key", "/layer_names", add("/layer_names", [])),
    ("checkpoint.missing-key", "/layer_sizes", add("/layer_sizes", [])),
    ("checkpoint.missing-key", "/weights", add("/weights", [])),
)
order(
    "two-repeated-names",
    "Scanning by ascending index the b at 2 repeats first; comparing each name with all later ones finds the a at 3.",
    named("a", "b", "b", "a"),
    ("checkpoint.names-unique", "/layer_names/2", put("/layer_names/2", "c")),
    ("checkpoint.names-unique", "/layer_names/3", put("/layer_names/3", "d")),
)
order(
    "name-three-times",
    "The second of three is reported before the third.",
    named("a", "a", "a"),
    ("checkpoint.names-unique", "/layer_names/1", put("/layer_names/1", "b")),
    ("checkpoint.names-unique", "/layer_names/2", put("/layer_names/2", "c")),
)
order(
    "two-wrong-pairs",
    "The pair of the lowest index; of one pair there is only one path, however much is wrong in it.",
    checkpoint(layer_sizes=[[-3, 2.0], ["2", 1]]),
    ("checkpoint.sizes-type", "/layer_sizes/0", put("/layer_sizes/0", [3, 2])),
    ("checkpoint.sizes-type", "/layer_sizes/1", put("/layer_sizes/1", [2, 1])),
)
order(
    "two-unknown-frozen",
    "The lowest index, before any sorting.",
    checkpoint(frozen_layers=["z", "head", "a"]),
    ("checkpoint.frozen-unknown", "/frozen_layers/0", drop("/frozen_layers/0")),
    ("checkpoint.frozen-unknown", "/frozen_layers/1", drop("/frozen_layers/1")),
)
order(
    "two-weight-types",
    "Row by row: column-major languages meet [1][0] before [0][1].",
    named("a", layer_sizes=[[2, 2]], weights=[[[0, True], [None, 0]]]),
    ("checkpoint.weight-type", "/weights/0/0/1", put("/weights/0/0/1", 1)),
    ("checkpoint.weight-type", "/weights/0/1/0", put("/weights/0/1/0", 1)),
)
order(
    "two-weights-not-finite",
    "Row by row: column-major languages (Julia's findfirst) meet [1][0] before [0][1].",
    named("a", layer_sizes=[[2, 2]], weights=[[[0, "NaN"], ["Infinity", 0]]]),
    ("checkpoint.weight-finite", "/weights/0/0/1", put("/weights/0/0/1", 1)),
    ("checkpoint.weight-finite", "/weights/0/1/0", put("/weights/0/1/0", 1)),
)
order(
    "two-wrong-shapes",
    "The lowest layer first.",
    checkpoint(weights=[[[1]], [[1]]]),
    ("checkpoint.weight-shape", "/weights/0", put("/weights/0", W[0])),
    ("checkpoint.weight-shape", "/weights/1", put("/weights/1", W[1])),
)
validate.precedence(
    "checkpoint-text-json-before-object",
    "The text is read whole before its root is looked at.",
    text("[1e400]"),
    [("json.number-range", "", retext("[1]")), ("checkpoint.object", "", retext(json.dumps(named())))],
)
validate.precedence(
    "checkpoint-text-json-before-unknown-key",
    "The unknown key comes first in the text, the repeated one in metadata comes last.",
    text(of_text(more=',"x":1,"metadata":{"a":1,"a":2}')),
    [
        ("json.duplicate-key", "", retext(of_text(more=',"x":1,"metadata":{"a":1}'))),
        ("checkpoint.unknown-key", "/x", retext(metadata('{"a":1}'))),
    ],
)
