"""Cases of transfer.freeze, transfer.unfreeze and transfer.apply: freezing layers and giving them learning rates."""

from __future__ import annotations

from typing import Any

from cases import Cases, add, below, drop, put
from checkpoint_faults import FAULTS, NFC, NFD
from documents import checkpoint, named

freeze = Cases("transfer.freeze")
unfreeze = Cases("transfer.unfreeze")
apply = Cases("transfer.apply")
TABLES = [freeze, unfreeze, apply]

GRIN, FULLWIDTH = "\U0001f600", "\uff5e"
ZERO, HUNDREDTH, MINUS_ZERO, ONE = "0000000000000000", "3f847ae147ae147b", "8000000000000000", "3ff0000000000000"


def on(document: Any, **arguments: Any) -> dict[str, Any]:
    """The input of freeze or unfreeze."""
    return {"checkpoint": document} | arguments


def frozen(*names: str) -> dict[str, Any]:
    return {"frozen_layers": list(names)}


# --- the checkpoint is checked first, and whole: a row of checkpoint_faults for each operation

BORROWED = [
    ("array", "null", "string"),
    ("unknown-key", "unknown-key-n-layers", "unknown-key-escapes"),
    ("missing-names", "missing-sizes", "missing-weights"),
    ("names-string", "names-number", "names-null"),
    ("names-twice", "names-empty-twice", "names-astral-twice"),
    ("weights-short", "weights-long", "weights-for-no-layer"),
    ("sizes-short", "sizes-null", "sizes-chain"),
    ("size-fraction", "size-true", "size-negative"),
    ("types-string", "types-entry-null", "types-null"),
    ("types-short", "types-for-no-layer", "types-long"),
    ("frozen-string", "frozen-null", "frozen-index"),
    ("frozen-unknown", "frozen-other-normal-form", "frozen-other-case"),
    ("metadata-list", "metadata-null", "metadata-string"),
    ("weight-true", "weight-null", "weight-object"),
    ("weight-vector", "weight-ragged", "weight-cube"),
    ("weight-transposed", "weight-broadcast", "weight-column"),
    ("weight-nan", "weight-infinity", "weight-minus-infinity"),
]
"""Rows of checkpoint_faults for freeze, unfreeze and apply; one line per rule."""

ARGUMENTS: list[tuple[Cases, dict[str, Any]]] = [
    (freeze, {}),
    (unfreeze, {"all_layers": True}),
    (apply, {"config": {}}),
]
for names in BORROWED:
    for name, (cases, arguments) in zip(names, ARGUMENTS, strict=True):
        row = FAULTS[name]
        cases.reject(
            f"{cases.op.partition('.')[2]}-checkpoint-{name}",
            row.code,
            f"/checkpoint{row.path}",
            f"The checkpoint is validated whole, though {cases.op} needs only its names. {row.why}",
            on(row.document, **arguments),
            below("/checkpoint", row.patch),
            tags=row.tags,
        )


# --- layer_names: the same for freeze and unfreeze

TYPE, UNKNOWN = "transfer.layer-names-type", "transfer.layer-names-unknown"
NAME_FAULTS = [
    (
        "names-string",
        TYPE,
        "",
        named("a", "b"),
        "ab",
        ["a", "b"],
        "A string iterates as its letters, which are layers here; it is no list.",
    ),
    ("names-null", TYPE, "", named("a"), None, [], "Null is a value of the wrong type, not absence."),
    (
        "names-number",
        TYPE,
        "/1",
        named("a", "1"),
        ["a", 1],
        ["a", "1"],
        "An index among the names is not turned into a string.",
    ),
    (
        "names-nested",
        TYPE,
        "/0",
        named("a"),
        [["a"]],
        ["a"],
        "A list among the names cannot be hashed and must not crash a set.",
    ),
    (
        "names-object",
        TYPE,
        "",
        named("a"),
        {"a": True},
        ["a"],
        "Iterating over an object gives its keys, which are names here.",
    ),
    ("names-true", TYPE, "", named("a"), True, ["a"], "True does not mean all layers."),
    (
        "names-unknown",
        UNKNOWN,
        "/1",
        checkpoint(),
        ["head", "tail"],
        ["head"],
        "A name that is not there must not be skipped: then the operation did half of what was asked.",
    ),
    ("names-other-case", UNKNOWN, "/0", checkpoint(), ["Head"], ["head"], "Names are compared with their case."),
    (
        "names-other-normal-form",
        UNKNOWN,
        "/0",
        named(NFC),
        [NFD],
        [NFC],
        "Names that only normalisation makes equal are different names.",
    ),
    ("names-trimmed", UNKNOWN, "/0", checkpoint(), ["head "], ["head"], "Names are not trimmed."),
    ("names-in-zero-layers", UNKNOWN, "/0", named(), [""], [], "No layer at all: the empty name is not there either."),
    (
        "names-index-as-text",
        UNKNOWN,
        "/0",
        checkpoint(),
        ["1"],
        ["head"],
        "A string of digits is a name, not an index.",
    ),
]
for name, code, path, document, bad, good, why in NAME_FAULTS:
    for cases in (freeze, unfreeze):
        cases.reject(
            f"{cases.op.partition('.')[2]}-{name}",
            code,
            f"/layer_names{path}",
            why,
            on(document, layer_names=bad),
            put("/layer_names", good),
            tags="unicode" if document == named(NFC) else "",
        )

# --- transfer.freeze

INDEX_TYPE, INDEX_RANGE = "transfer.until-index-type", "transfer.until-index-range"
INDEX_FAULTS = [
    ("true", INDEX_TYPE, True, 1, "True is 1 in Python, and a valid index."),
    ("false", INDEX_TYPE, False, 0, "False is 0 in Python, and a valid index."),
    ("null", INDEX_TYPE, None, 0, "Null is a value of the wrong type, not absence."),
    ("fraction", INDEX_TYPE, 1.0, 1, "1.0 is not an Integer."),
    ("string", INDEX_TYPE, "1", 1, "A string of digits is no index."),
    ("name", INDEX_TYPE, "head", 1, "freeze_until of a config may be a name, until_index may not."),
    ("list", INDEX_TYPE, [1], 1, "NumPy makes an index of a list of one."),
    ("above-integer", INDEX_TYPE, 9007199254740992, 0, "2^53 is no Integer: of the wrong type, not out of range."),
    (
        "minus-one",
        INDEX_RANGE,
        -1,
        0,
        "-1 is the last layer in Python and nothing in a config; here it is out of range.",
    ),
    (
        "n-layers",
        INDEX_RANGE,
        2,
        1,
        "The last index is n_layers - 1: `<= n_layers` lets this pass, and slices do not notice.",
    ),
    ("max-integer", INDEX_RANGE, 9007199254740991, 1, "2^53-1 is an Integer, far out of range; 32 bits make -1 of it."),
    ("two-to-32", INDEX_RANGE, 4294967296, 0, "2^32 wraps to 0 in 32 bits."),
]
for name, code, bad, good, why in INDEX_FAULTS:
    data = on(checkpoint(), until_index=bad)
    freeze.reject(f"freeze-until-{name}", code, "/until_index", why, data, put("/until_index", good), tags="boundary")
freeze.reject(
    "freeze-until-zero-of-zero-layers",
    INDEX_RANGE,
    "/until_index",
    "Without layers not even 0 is an index: 0 to -1 is empty.",
    on(named(), until_index=0),
    drop("/until_index"),
    tags="boundary",
)

ABC = named("a", "b", "c")
FREEZES = [
    ("nothing", TYPE, "Without arguments nothing changes.", on(checkpoint()), frozen()),
    (
        "nothing-more",
        TYPE,
        "Without arguments what is frozen stays so.",
        on(checkpoint(frozen_layers=["head"])),
        frozen("head"),
    ),
    (
        "names-empty-list",
        TYPE,
        "An empty list adds nothing: it is not absent and does not mean all.",
        on(checkpoint(), layer_names=[]),
        frozen(),
    ),
    ("names-all", UNKNOWN, "Any order, answered sorted.", on(ABC, layer_names=["c", "a", "b"]), frozen("a", "b", "c")),
    (
        "names-repeated",
        UNKNOWN,
        "A name given twice is no fault and is answered once.",
        on(ABC, layer_names=["b", "b"]),
        frozen("b"),
    ),
    (
        "names-empty-name",
        UNKNOWN,
        "The empty name is a layer here, and falsy.",
        on(named("a", ""), layer_names=[""]),
        frozen(""),
    ),
    (
        "names-normal-forms",
        UNKNOWN,
        "The decomposed name is frozen, the composed one is not.",
        on(named(NFC, NFD), layer_names=[NFD]),
        frozen(NFD),
    ),
    (
        "names-prototype",
        UNKNOWN,
        "A dictionary of layers must not find what every object has.",
        on(named("__proto__"), layer_names=["__proto__"]),
        frozen("__proto__"),
    ),
    (
        "already-frozen",
        UNKNOWN,
        "Freezing what is frozen is no fault.",
        on(checkpoint(frozen_layers=["head"]), layer_names=["head"]),
        frozen("head"),
    ),
    (
        "frozen-repeats",
        UNKNOWN,
        "Repeats in the checkpoint's own list go away too.",
        on(checkpoint(frozen_layers=["head", "head"])),
        frozen("head"),
    ),
    (
        "until-zero",
        INDEX_RANGE,
        "The index is inclusive: 0 freezes layer 0, and is falsy.",
        on(ABC, until_index=0),
        frozen("a"),
    ),
    (
        "until-one",
        INDEX_RANGE,
        "The index is inclusive: 1 freezes two layers.",
        on(ABC, until_index=1),
        frozen("a", "b"),
    ),
    ("until-last", INDEX_RANGE, "n_layers - 1 freezes all.", on(ABC, until_index=2), frozen("a", "b", "c")),
    ("until-zero-of-one", INDEX_TYPE, "0 is both the first and the last.", on(named("a"), until_index=0), frozen("a")),
    (
        "until-document-order",
        INDEX_TYPE,
        "Layers are counted in document order, the answer is sorted.",
        on(named("c", "b", "a"), until_index=1),
        frozen("b", "c"),
    ),
    ("until-and-names", INDEX_TYPE, "Both arguments add.", on(ABC, layer_names=["c"], until_index=0), frozen("a", "c")),
    (
        "until-and-frozen",
        INDEX_RANGE,
        "What was frozen beyond the index stays frozen.",
        on(named("a", "b", "c", frozen_layers=["c"]), until_index=0),
        frozen("a", "c"),
    ),
    (
        "index-before-names",
        TYPE,
        "The order of the arguments does not matter.",
        {"until_index": 0, "layer_names": ["b"], "checkpoint": ABC},
        frozen("a", "b"),
    ),
    (
        "order-astral",
        UNKNOWN,
        "Sorted by code point: U+FF5E before U+1F600, unlike UTF-16.",
        on(named(GRIN, FULLWIDTH), until_index=1),
        frozen(FULLWIDTH, GRIN),
    ),
    (
        "order-locale",
        UNKNOWN,
        "Sorted by code point: capitals first, the umlaut last.",
        on(named("z", "\u00e4", "a", "B"), until_index=3),
        frozen("B", "a", "z", "\u00e4"),
    ),
    (
        "order-numbers",
        UNKNOWN,
        "Sorted as text: layer10 before layer9.",
        on(named("layer9", "layer10"), until_index=1),
        frozen("layer10", "layer9"),
    ),
    ("zero-layers", TYPE, "Zero layers and an empty list of names.", on(named(), layer_names=[]), frozen()),
]
for name, near, why, data, output in FREEZES:
    freeze.accept(f"freeze-{name}", why, data, near=near, facts=output, tags="unicode" if "order" in name else "")


# --- transfer.unfreeze

ALL = "transfer.all-layers-type"
ALL_FAULTS = [
    ("one", 1, True, "1 is true in Python, C and JavaScript."),
    ("zero", 0, False, "0 is false in Python, C and JavaScript."),
    ("string", "true", True, "The string is not the literal."),
    ("null", None, False, "Null is a value of the wrong type, not absence and not false."),
    ("list", [], False, "An empty list is falsy."),
    ("fraction", 1.0, True, "1.0 equals True in Python."),
]
for name, bad, good, why in ALL_FAULTS:
    data = on(checkpoint(frozen_layers=["head"]), all_layers=bad)
    unfreeze.reject(f"unfreeze-all-{name}", ALL, "/all_layers", why, data, put("/all_layers", good))

FROZEN = checkpoint(frozen_layers=["head", "encoder"])
UNFREEZES = [
    (
        "nothing",
        ALL,
        "Without arguments nothing changes; absent does not mean all.",
        on(FROZEN),
        frozen("encoder", "head"),
    ),
    ("all", ALL, "True removes every layer.", on(FROZEN, all_layers=True), frozen()),
    (
        "all-false",
        ALL,
        "False removes nothing; it is there, so a test for presence is wrong.",
        on(FROZEN, all_layers=False),
        frozen("encoder", "head"),
    ),
    ("all-of-nothing", ALL, "Nothing is frozen, and that is no fault.", on(checkpoint(), all_layers=True), frozen()),
    ("all-zero-layers", ALL, "No layer at all.", on(named(), all_layers=True), frozen()),
    ("names-one", UNKNOWN, "One goes, the other stays.", on(FROZEN, layer_names=["head"]), frozen("encoder")),
    (
        "names-not-frozen",
        UNKNOWN,
        "Unfreezing what is not frozen is no fault: a set's remove() raises.",
        on(checkpoint(frozen_layers=["head"]), layer_names=["encoder"]),
        frozen("head"),
    ),
    (
        "names-repeated",
        UNKNOWN,
        "A name given twice is no fault: the second remove() must not raise.",
        on(FROZEN, layer_names=["head", "head"]),
        frozen("encoder"),
    ),
    (
        "names-empty-list",
        TYPE,
        "An empty list removes nothing; it does not mean all.",
        on(FROZEN, layer_names=[]),
        frozen("encoder", "head"),
    ),
    (
        "names-frozen-twice",
        TYPE,
        "A name that is listed twice as frozen goes wholly.",
        on(checkpoint(frozen_layers=["head", "encoder", "head"]), layer_names=["head"]),
        frozen("encoder"),
    ),
    (
        "names-and-all",
        ALL,
        "Names beside all_layers: all go.",
        on(FROZEN, layer_names=["head"], all_layers=True),
        frozen(),
    ),
    (
        "names-and-all-false",
        ALL,
        "Names beside a false all_layers: only the named go.",
        on(FROZEN, layer_names=["head"], all_layers=False),
        frozen("encoder"),
    ),
    (
        "names-empty-and-all",
        ALL,
        "An empty list beside all_layers: all go.",
        on(FROZEN, layer_names=[], all_layers=True),
        frozen(),
    ),
    (
        "names-normal-forms",
        UNKNOWN,
        "The decomposed name goes, the composed one stays.",
        on(named(NFC, NFD, frozen_layers=[NFC, NFD]), layer_names=[NFD]),
        frozen(NFC),
    ),
    (
        "names-empty-name",
        UNKNOWN,
        "The empty name is a layer here.",
        on(named("", "a", frozen_layers=["a", ""]), layer_names=[""]),
        frozen("a"),
    ),
    (
        "order-astral",
        UNKNOWN,
        "What stays is sorted by code point.",
        on(named(GRIN, FULLWIDTH, "a", frozen_layers=[GRIN, FULLWIDTH, "a"]), layer_names=["a"]),
        frozen(FULLWIDTH, GRIN),
    ),
]
for name, near, why, data, output in UNFREEZES:
    unfreeze.accept(f"unfreeze-{name}", why, data, near=near, facts=output, tags="unicode" if "order" in name else "")


# --- transfer.apply

UNTIL = "transfer.freeze-until-unknown"
CONFIG_FAULTS = [
    ("object", "config.object", "", "encoder", {}, "A name alone is no config."),
    ("object-null", "config.object", "", None, {}, "Null is no config and does not mean all defaults."),
    (
        "unknown-key",
        "config.unknown-key",
        "/learning_rate",
        {"learning_rate": 0.1},
        {},
        "A misspelt rate that is ignored trains with the default.",
    ),
    (
        "freeze-until-type",
        "config.freeze-until-type",
        "/freeze_until",
        {"freeze_until": 0.0},
        {"freeze_until": 0},
        "0.0 is not an Integer.",
    ),
    (
        "freeze-until-true",
        "config.freeze-until-type",
        "/freeze_until",
        {"freeze_until": True},
        {"freeze_until": 1},
        "True is 1 in Python, and a valid index.",
    ),
    (
        "freeze-until-range",
        "config.freeze-until-range",
        "/freeze_until",
        {"freeze_until": -2},
        {"freeze_until": -1},
        "-2 is an index from the end in Python only.",
    ),
    (
        "learning-rate-type",
        "config.learning-rate-type",
        "/lr_head",
        {"lr_head": "0.1"},
        {"lr_head": 0.1},
        "A numeric string is no Number.",
    ),
    (
        "learning-rate-range",
        "config.learning-rate-range",
        "/lr_backbone",
        {"lr_backbone": "NaN"},
        {"lr_backbone": 0},
        "NaN is never less than zero, and no rate.",
    ),
]
for name, code, path, bad, good, why in CONFIG_FAULTS:
    data = on(checkpoint(), config=bad)
    apply.reject(f"apply-config-{name}", code, f"/config{path}", why, data, put("/config", good))

UNTIL_FAULTS = [
    ("name", checkpoint(), "decoder", "encoder", "A name that is not there freezes nothing in silence."),
    ("other-case", checkpoint(), "Encoder", "encoder", "Names are compared with their case."),
    ("other-normal-form", named(NFD), NFC, NFD, "Names that only normalisation makes equal are different names."),
    ("no-empty-name", checkpoint(), "", "head", "The empty name does not mean none: that is -1."),
    ("minus-one-as-name", checkpoint(), "-1", -1, "The string '-1' is a name, and not there."),
    ("n-layers", checkpoint(), 2, 1, "The index past the last layer; a slice does not notice."),
    ("max-integer", checkpoint(), 9007199254740991, 0, "2^53-1 wraps to -1 in 32 bits and would add nothing."),
    ("zero-of-zero-layers", named(), 0, -1, "Without layers not even 0 is an index."),
    ("name-in-zero-layers", named(), "head", -1, "Without layers no name is there."),
]
for name, document, bad, good, why in UNTIL_FAULTS:
    data = on(document, config={"freeze_until": bad})
    repair = put("/config/freeze_until", good)
    apply.reject(f"apply-until-{name}", UNTIL, "/config/freeze_until", why, data, repair)


def rated(names: list[str], rates: list[str]) -> dict[str, Any]:
    return {"frozen_layers": names, "learning_rates": rates}


TYPED, RANGED = "config.freeze-until-type", "config.freeze-until-range"
APPLIED = [
    (
        "defaults",
        ("config.object", RANGED),
        "Nothing is frozen, every layer gets the head's default rate.",
        on(ABC, config={}),
        rated([], [HUNDREDTH] * 3),
    ),
    (
        "until-index-zero",
        (UNTIL, RANGED),
        "Inclusive: index 0 freezes layer 0, which gets the backbone's default rate 0.",
        on(ABC, config={"freeze_until": 0}),
        rated(["a"], [ZERO, HUNDREDTH, HUNDREDTH]),
    ),
    (
        "until-index-last",
        UNTIL,
        "The last index freezes all.",
        on(ABC, config={"freeze_until": 2}),
        rated(["a", "b", "c"], [ZERO] * 3),
    ),
    (
        "until-name-inclusive",
        UNTIL,
        "Inclusive: the named layer is frozen itself.",
        on(ABC, config={"freeze_until": "b"}),
        rated(["a", "b"], [ZERO, ZERO, HUNDREDTH]),
    ),
    (
        "until-name-of-digits",
        (UNTIL, TYPED),
        "The layer named '0' is at index 1: a string of digits is a name, not an index.",
        on(named("1", "0", "2"), config={"freeze_until": "0"}),
        rated(["0", "1"], [ZERO, ZERO, HUNDREDTH]),
    ),
    (
        "until-index-beside-digits",
        (UNTIL, TYPED),
        "The index 0 is the layer named '1'.",
        on(named("1", "0"), config={"freeze_until": 0}),
        rated(["1"], [ZERO, HUNDREDTH]),
    ),
    (
        "until-empty-name",
        (UNTIL, TYPED),
        "The empty name is a layer here, and falsy.",
        on(named("a", "", "b"), config={"freeze_until": ""}),
        rated(["", "a"], [ZERO, ZERO, HUNDREDTH]),
    ),
    (
        "until-minus-one",
        RANGED,
        "-1 adds nothing: it is not the last layer.",
        on(ABC, config={"freeze_until": -1}),
        rated([], [HUNDREDTH] * 3),
    ),
    (
        "until-minus-one-zero-layers",
        (UNTIL, "config.object"),
        "-1 is sound for zero layers too.",
        on(named(), config={"freeze_until": -1}),
        rated([], []),
    ),
    (
        "frozen-before",
        "config.unknown-key",
        "A layer that was frozen before gets the backbone's rate too.",
        on(named("a", "b", "c", frozen_layers=["c"]), config={"freeze_until": "a"}),
        rated(["a", "c"], [ZERO, HUNDREDTH, ZERO]),
    ),
    (
        "frozen-before-nothing-added",
        RANGED,
        "-1 adds nothing and removes nothing.",
        on(named("a", "b", frozen_layers=["b"]), config={"freeze_until": -1, "lr_backbone": 1, "lr_head": 0}),
        rated(["b"], [ZERO, ONE]),
    ),
    (
        "rates-document-order",
        "config.learning-rate-type",
        "Rates follow document order, frozen names are sorted.",
        on(named("z", "y", "x"), config={"freeze_until": 1, "lr_backbone": 1, "lr_head": 0.01}),
        rated(["y", "z"], [ONE, ONE, HUNDREDTH]),
    ),
    (
        "rate-minus-zero",
        "config.learning-rate-range",
        "-0.0 is accepted and keeps its sign.",
        on(named("a", "b"), config={"freeze_until": 0, "lr_backbone": -0.0}),
        rated(["a"], [MINUS_ZERO, HUNDREDTH]),
    ),
    (
        "rate-subnormal",
        "config.learning-rate-range",
        "The smallest positive rate survives.",
        on(named("a"), config={"lr_head": 5e-324}),
        rated([], ["0000000000000001"]),
    ),
    (
        "rate-integer",
        "config.learning-rate-type",
        "An Integer is a Number.",
        on(named("a"), config={"lr_head": 1}),
        rated([], [ONE]),
    ),
    (
        "rates-all-keys",
        "config.unknown-key",
        "All three keys.",
        on(named("a", "b"), config={"lr_head": 1, "lr_backbone": 0.01, "freeze_until": "a"}),
        rated(["a"], [HUNDREDTH, ONE]),
    ),
    (
        "zero-width-layers",
        "checkpoint.weight-rank",
        "Layers without inputs or outputs are layers and get a rate.",
        on(named("a", "b", layer_sizes=[[0, 2], [3, 0]], weights=[[[], []], []]), config={"freeze_until": 0}),
        rated(["a"], [ZERO, HUNDREDTH]),
    ),
    (
        "order-astral",
        UNTIL,
        "Sorted by code point: U+FF5E before U+1F600.",
        on(named(GRIN, FULLWIDTH), config={"freeze_until": FULLWIDTH}),
        rated([FULLWIDTH, GRIN], [ZERO, ZERO]),
    ),
]
for name, near, why, data, output in APPLIED:
    apply.accept(f"apply-{name}", why, data, near=near, facts=output, tags="unicode" if "order-astral" in name else "")


# --- which of two faults

freeze.precedence(
    "freeze-checkpoint-before-names",
    "The arguments stand before the checkpoint, whose last rule is still due before them.",
    {"layer_names": "a", "checkpoint": named("a", weights=[[["NaN"]]])},
    [
        ("checkpoint.weight-finite", "/checkpoint/weights/0/0/0", put("/checkpoint/weights/0/0/0", 1)),
        (TYPE, "/layer_names", put("/layer_names", ["a"])),
    ],
)
freeze.precedence(
    "freeze-names-type-before-unknown",
    "Looking names up while reading them meets the unknown one at 0 first.",
    on(checkpoint(), layer_names=["tail", None]),
    [
        (TYPE, "/layer_names/1", drop("/layer_names/1")),
        (UNKNOWN, "/layer_names/0", put("/layer_names/0", "head")),
    ],
)
freeze.precedence(
    "freeze-names-unknown-before-index-type",
    "The index stands before the names.",
    {"until_index": "0", "layer_names": ["tail"], "checkpoint": checkpoint()},
    [
        (UNKNOWN, "/layer_names/0", put("/layer_names/0", "head")),
        (INDEX_TYPE, "/until_index", put("/until_index", 0)),
    ],
)
freeze.precedence(
    "freeze-names-unknown-before-index-range",
    "layer_names is checked before the other argument, range and all.",
    {"until_index": 7, "layer_names": ["head", "tail"], "checkpoint": checkpoint()},
    [
        (UNKNOWN, "/layer_names/1", drop("/layer_names/1")),
        (INDEX_RANGE, "/until_index", put("/until_index", 0)),
    ],
)
freeze.precedence(
    "freeze-two-unknown-names",
    "The unknown name of the lowest index, not of the lowest letter.",
    on(checkpoint(), layer_names=["z", "a"]),
    [(UNKNOWN, "/layer_names/0", drop("/layer_names/0")), (UNKNOWN, "/layer_names/0", drop("/layer_names/0"))],
)
freeze.precedence(
    "freeze-two-wrong-types",
    "The entry of the lowest index.",
    on(checkpoint(), layer_names=["head", 0, None]),
    [(TYPE, "/layer_names/1", drop("/layer_names/1")), (TYPE, "/layer_names/1", drop("/layer_names/1"))],
)
unfreeze.precedence(
    "unfreeze-checkpoint-before-all",
    "The arguments stand before the checkpoint.",
    {"all_layers": 1, "checkpoint": named("a", "a")},
    [
        ("checkpoint.names-unique", "/checkpoint/layer_names/1", put("/checkpoint/layer_names/1", "b")),
        (ALL, "/all_layers", put("/all_layers", True)),
    ],
)
unfreeze.precedence(
    "unfreeze-names-type-before-all",
    "all_layers stands first, but layer_names is checked before it.",
    {"all_layers": None, "layer_names": None, "checkpoint": checkpoint()},
    [(TYPE, "/layer_names", put("/layer_names", [])), (ALL, "/all_layers", put("/all_layers", False))],
)
unfreeze.precedence(
    "unfreeze-names-type-before-unknown",
    "Looking names up while reading them meets the unknown one first.",
    on(checkpoint(), layer_names=["tail", ["head"]]),
    [
        (TYPE, "/layer_names/1", put("/layer_names/1", "head")),
        (UNKNOWN, "/layer_names/0", put("/layer_names/0", "encoder")),
    ],
)
unfreeze.precedence(
    "unfreeze-names-unknown-before-all",
    "Names are checked also beside all_layers, and before it.",
    {"all_layers": "yes", "layer_names": ["tail"], "checkpoint": checkpoint()},
    [
        (UNKNOWN, "/layer_names/0", put("/layer_names/0", "head")),
        (ALL, "/all_layers", put("/all_layers", True)),
    ],
)
unfreeze.reject(
    "unfreeze-names-unknown-beside-all",
    UNKNOWN,
    "/layer_names/0",
    "With all_layers true the names do not matter for the result, but are checked all the same.",
    on(FROZEN, layer_names=["tail"], all_layers=True),
    drop("/layer_names/0"),
)
apply.precedence(
    "apply-checkpoint-before-config",
    "The config stands before the checkpoint, whose last rule is still due before its first.",
    {"config": [], "checkpoint": named("a", weights=[[["Infinity"]]])},
    [
        ("checkpoint.weight-finite", "/checkpoint/weights/0/0/0", put("/checkpoint/weights/0/0/0", 1)),
        ("config.object", "/config", put("/config", {})),
    ],
)
apply.precedence(
    "apply-checkpoint-before-until",
    "A name that is not there may be there once the names are sound.",
    {"config": {"freeze_until": "b"}, "checkpoint": named("a", "a")},
    [
        ("checkpoint.names-unique", "/checkpoint/layer_names/1", put("/checkpoint/layer_names/1", "c")),
        (UNTIL, "/config/freeze_until", put("/config/freeze_until", "c")),
    ],
)
apply.precedence(
    "apply-unknown-key-before-freeze-until-type",
    "The wrong type stands first in the config.",
    on(checkpoint(), config={"freeze_until": [], "epochs": 3}),
    [
        ("config.unknown-key", "/config/epochs", drop("/config/epochs")),
        ("config.freeze-until-type", "/config/freeze_until", put("/config/freeze_until", 0)),
    ],
)
apply.precedence(
    "apply-learning-rate-before-until",
    "The config is checked whole before the layer is looked up: its last rule comes before the transfer rule.",
    on(checkpoint(), config={"freeze_until": "tail", "lr_head": -1}),
    [
        ("config.learning-rate-range", "/config/lr_head", put("/config/lr_head", 1)),
        (UNTIL, "/config/freeze_until", put("/config/freeze_until", "head")),
    ],
)
apply.precedence(
    "apply-learning-rate-type-before-range-before-until",
    "Three faults, each due in turn, in reverse order in the document.",
    on(checkpoint(), config={"freeze_until": 2, "lr_backbone": "-Infinity", "lr_head": None}),
    [
        ("config.learning-rate-type", "/config/lr_head", add("/config/lr_head", 0)),
        ("config.learning-rate-range", "/config/lr_backbone", put("/config/lr_backbone", 0)),
        (UNTIL, "/config/freeze_until", put("/config/freeze_until", 1)),
    ],
)
