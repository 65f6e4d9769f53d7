"""Cases that deliberate faults asked for: `conformance mutants` showed one that went unnoticed, or nearly so."""

from __future__ import annotations

from typing import Any

from cases import Cases, Fault, Patch, add, drop, put, raw, reraw, retext, text
from documents import checkpoint, constant, layer, lif, named, network, neuron, poisson, simulation, spikes, without

parse = Cases("json.parse")
validate = Cases("checkpoint.validate")
config = Cases("config.validate")
freeze = Cases("transfer.freeze")
unfreeze = Cases("transfer.unfreeze")
apply = Cases("transfer.apply")
simulate = Cases("simulate")
encode = Cases("encode.poisson")
TABLES = [parse, validate, config, freeze, unfreeze, apply, simulate, encode]

MAX = 1.7976931348623157e308
W = checkpoint()["weights"]


# --- json.parse: (id, code, text, repaired text, why)

TEXTS = [
    ("syntax-trailing-comma-inner-array", "syntax", "[[1,],2]", "[[1],2]", "a comma before an inner closing bracket"),
    (
        "syntax-trailing-comma-inner-object",
        "syntax",
        '{"a":{"b":1,}}',
        '{"a":{"b":1}}',
        "a comma before an inner brace",
    ),
    ("syntax-missing-colon-no-space", "syntax", '{"a"[1]}', '{"a":[1]}', "a bracket behind the key is no colon"),
    ("syntax-number-plus-in-array", "syntax", "[+0.5]", "[0.5]", "strtod reads a leading plus inside an array too"),
    (
        "syntax-key-raw-unit-separator",
        "syntax",
        '{"a\x1f":1}',
        '{"a\\u001f":1}',
        "U+001F is the last control character, in a key as in any string",
    ),
    ("surrogate-last-in-key", "surrogate", '{"\\udfff":1}', '{"\\ue000":1}', "U+DFFF is the last surrogate"),
    ("surrogate-high-then-escaped-space", "surrogate", '"\\ud83d\\u0020"', '"\\u0020"', "no pair without a low half"),
    ("encoding-bom-as-text", "encoding", "\ufeff[1]", "[1]", "a byte-order mark that came through as a character"),
]
for name, code, bad, good, why in TEXTS:
    parse.reject(f"json-{name}", f"json.{code}", "", f"{why[0].upper()}{why[1:]}.", text(bad), retext(good), tags=code)

SOUND_TEXTS = [
    ("value-carriage-returns", '{\r"a"\r:\r[1\r,\r2]\r}\r', (), "A carriage return alone is white space, everywhere."),
    ("number-exponent-capital", "[1E5,2E-3]", "json.syntax", "An exponent may begin with a capital E."),
    (
        "string-raw-del-in-key",
        '{"\x7f":1}',
        "json.syntax",
        "DEL is no control character of JSON: let it stand.",
    ),
    ("surrogate-after-last-in-key", '{"\\ue000":1}', "json.surrogate", "U+E000 is the first character behind them."),
    (
        "duplicate-key-near-kelvin",
        '{"K":1,"\u212a":2}',
        "json.duplicate-key",
        "The Kelvin sign becomes K in every Unicode normal form and by case folding; by code point it is no K.",
    ),
]
for name, good, near, why in SOUND_TEXTS:
    parse.accept(f"json-{name}", why, text(good), near=near)

config.reject(
    "config-text-bom",
    "json.encoding",
    "",
    "Editors on Windows begin a file with a byte-order mark; a config that begins so is rejected.",
    raw(b'\xef\xbb\xbf{"lr_head":0.5}'),
    reraw(b'{"lr_head":0.5}'),
)


# --- checkpoints


def wrong(name: str, code: str, path: str, why: str, document: Any, patch: Patch) -> None:
    """Declare a checkpoint with one fault; the patch is one on the document."""
    moved = [step | {"path": "/document" + step["path"]} for step in patch]
    validate.reject(f"checkpoint-{name}", f"checkpoint.{code}", path, why, {"document": document}, moved)


def faults(*rows: tuple[str, str, Patch], prefix: str = "/document") -> list[Fault]:
    """Faults in the order in which they are due; patches are moved below `prefix`."""
    return [(code, path, [step | {"path": prefix + step["path"]} for step in patch]) for code, path, patch in rows]


wrong(
    "unknown-key-capitals",
    "unknown-key",
    "/METADATA",
    "Keys are compared with their case; a reader of configuration files folds it.",
    checkpoint(METADATA={}),
    drop("/METADATA"),
)
for name, sizes, matrix, why in (
    ("size-minus-one", [-1, 0], [], "-1 is a placeholder for a size yet to be found in many libraries, not here."),
    ("size-minus-one-output", [0, -1], [], "-1 is the first size that is negative."),
):
    wrong(
        name,
        "sizes-type",
        "/layer_sizes/0",
        why,
        {"layer_names": ["a"], "layer_sizes": [sizes], "weights": [matrix]},
        put("/layer_sizes/0", [0, 0]),
    )
wrong(
    "size-quadruple",
    "sizes-type",
    "/layer_sizes/1",
    "A shape with more axes is no pair, though its first two entries would do.",
    checkpoint(layer_sizes=[[3, 2], [2, 1, 1, 1]]),
    put("/layer_sizes/1", [2, 1]),
)
for name, matrix, why in (
    ("narrow", [[0.5, -0.25], [0.125, 0.0]], "Two columns for three inputs: the number of rows alone is right."),
    (
        "wide",
        [[0.5, -0.25, 1.0, 0.0], [0.125, 0.0, -1.0, 0.0]],
        "Four columns for three inputs; one would be lost.",
    ),
):
    wrong(
        f"weight-{name}",
        "weight-shape",
        "/weights/0",
        why,
        checkpoint(weights=[matrix, W[1]]),
        put("/weights/0", W[0]),
    )
wrong(
    "weight-ragged-third-row",
    "weight-rank",
    "/weights/0",
    "The third row alone is short: every row is held against the first.",
    {"layer_names": ["a"], "layer_sizes": [[2, 3]], "weights": [[[1.0, 2.0], [3.0, 4.0], [5.0]]]},
    add("/weights/0/2/1", 6.0),
)

validate.precedence(
    "checkpoint-three-unknown-keys",
    "The first in document order is reported, neither the last nor the first by name.",
    {"document": {"mode": 1, "author": 2} | checkpoint(zeta=3)},
    faults(*[("checkpoint.unknown-key", f"/{key}", drop(f"/{key}")) for key in ("mode", "author", "zeta")]),
)
validate.precedence(
    "checkpoint-two-missing-keys",
    "Missing keys are reported in the order of the spec: layer_sizes comes before weights.",
    {"document": without(checkpoint(), "layer_sizes", "weights")},
    faults(
        ("checkpoint.missing-key", "/layer_sizes", add("/layer_sizes", [[3, 2], [2, 1]])),
        ("checkpoint.missing-key", "/weights", add("/weights", W)),
    ),
)
validate.precedence(
    "checkpoint-two-wrong-names",
    "The first entry that is no string is reported.",
    {"document": checkpoint(layer_names=[7, None])},
    faults(
        ("checkpoint.names-type", "/layer_names/0", put("/layer_names/0", "encoder")),
        ("checkpoint.names-type", "/layer_names/1", put("/layer_names/1", "head")),
    ),
)
validate.precedence(
    "checkpoint-weight-type-in-last-before-rank-of-first",
    "Layer 0 is a vector, layer 1 holds a string: all leaves are checked before the first matrix is measured.",
    {"document": checkpoint(weights=[[0.5, 1.0], [[1.5, "x"]]])},
    faults(
        ("checkpoint.weight-type", "/weights/1/0/1", put("/weights/1/0/1", -0.5)),
        ("checkpoint.weight-rank", "/weights/0", put("/weights/0", W[0])),
    ),
)
validate.precedence(
    "checkpoint-counts-both-short",
    "Both lists lack the second layer: the count of weights is due first, wherever it stands in the document.",
    {"document": {"layer_sizes": [[3, 2]], "weights": [W[0]], "layer_names": ["encoder", "head"]}},
    faults(
        ("checkpoint.weights-count", "/weights", add("/weights/-", W[1])),
        ("checkpoint.sizes-count", "/layer_sizes", add("/layer_sizes/-", [2, 1])),
    ),
)

SOUND_CHECKPOINTS: list[tuple[str, str, str, dict[str, Any]]] = [
    (
        "weight-sum-overflows",
        "checkpoint.weight-finite",
        "Each weight is finite though their sum is not: isfinite(sum(w)) is no test.",
        {"layer_names": ["a"], "layer_sizes": [[2, 1]], "weights": [[[MAX, MAX]]]},
    ),
    (
        "weight-sum-overflows-and-cancels",
        "checkpoint.weight-finite",
        "The sum of these finite weights becomes infinite on the way, whichever row it starts with.",
        {"layer_names": ["a"], "layer_sizes": [[2, 2]], "weights": [[[MAX, MAX], [-MAX, -MAX]]]},
    ),
    (
        "frozen-repeats-unsorted",
        "checkpoint.frozen-unknown",
        "Every name twice and in reverse: the answer has each once, sorted.",
        checkpoint(frozen_layers=["head", "head", "encoder", "encoder"]),
    ),
    (
        "frozen-order-accents",
        "checkpoint.frozen-unknown",
        "By code point é comes after z; decomposed, or by a locale, it comes after e.",
        named("z", "é", "f", "e", "E", frozen_layers=["z", "é", "f", "e", "E"]),
    ),
]
for name, near, why, document in SOUND_CHECKPOINTS:
    validate.accept(f"checkpoint-near-{name}", why, {"document": document}, near=near)


# --- configs

CONFIGS: list[tuple[str, str, str, str, Any, Patch]] = [
    (
        "unknown-key-all-capitals",
        "unknown-key",
        "/LR_HEAD",
        "Environment variables are spelt so; keys are not.",
        {"LR_HEAD": 0.1},
        drop("/LR_HEAD"),
    ),
    (
        "unknown-key-title-case",
        "unknown-key",
        "/Freeze_Until",
        "Keys are compared with their case.",
        {"Freeze_Until": 0},
        drop("/Freeze_Until"),
    ),
    (
        "unknown-key-fullwidth-low-line",
        "unknown-key",
        "/lr\uff3fhead",
        "U+FF3F becomes a low line in a compatibility form, in which Python compares identifiers.",
        {"lr\uff3fhead": 0.1},
        drop("/lr\uff3fhead"),
    ),
    (
        "unknown-key-empty-beside-others",
        "unknown-key",
        "/",
        "The empty name is falsy, and unknown.",
        {"lr_head": 0.5, "": 0.5},
        drop("/"),
    ),
    (
        "lr-max-subnormal-negative",
        "learning-rate-range",
        "/lr_head",
        "A negative rate too small to matter is negative.",
        {"lr_head": -2.225073858507201e-308},
        put("/lr_head", 0.0),
    ),
    (
        "lr-backbone-infinity",
        "learning-rate-range",
        "/lr_backbone",
        "Both rates must be finite.",
        {"lr_backbone": "Infinity"},
        put("/lr_backbone", 1.0),
    ),
    (
        "lr-minus-inf-short",
        "learning-rate-type",
        "/lr_head",
        "Julia and Rust write -Inf and -inf; only -Infinity is a Number.",
        {"lr_head": "-Inf"},
        put("/lr_head", 1.0),
    ),
    (
        "lr-backbone-plus-infinity",
        "learning-rate-type",
        "/lr_backbone",
        "Of the strings that are Numbers none begins with a plus.",
        {"lr_backbone": "+Infinity"},
        put("/lr_backbone", 1.0),
    ),
    (
        "freeze-until-null-beside-rates",
        "freeze-until-type",
        "/freeze_until",
        "Null is a value of the wrong type, not absence.",
        {"lr_backbone": 0.5, "freeze_until": None, "lr_head": 0.5},
        put("/freeze_until", -1),
    ),
]
for name, code, path, why, document, patch in CONFIGS:
    moved = [step | {"path": "/document" + step["path"]} for step in patch]
    config.reject(f"config-{name}", f"config.{code}", path, why, {"document": document}, moved)

config.precedence(
    "config-three-unknown-keys",
    "The first in document order is reported, neither the last nor the first by name.",
    {"document": {"mode": 1, "alpha": 2, "zeta": 3}},
    faults(*[("config.unknown-key", f"/{key}", drop(f"/{key}")) for key in ("mode", "alpha", "zeta")]),
)
config.precedence(
    "config-head-before-backbone-types",
    "Rates are checked in document order, here the head's first, whatever the order of a struct's fields.",
    {"document": {"lr_head": True, "freeze_until": 0, "lr_backbone": None}},
    faults(*[("config.learning-rate-type", f"/{key}", put(f"/{key}", 0.5)) for key in ("lr_head", "lr_backbone")]),
)
config.precedence(
    "config-head-before-backbone-ranges",
    "Rates are checked in document order, here the head's first, whatever the order of a struct's fields.",
    {"document": {"lr_head": -0.5, "freeze_until": 0, "lr_backbone": "Infinity"}},
    faults(*[("config.learning-rate-range", f"/{key}", put(f"/{key}", 0.5)) for key in ("lr_head", "lr_backbone")]),
)
config.precedence(
    "config-freeze-until-range-before-learning-rate-range",
    "The index is due before the rate, though it comes after it in the document.",
    {"document": {"lr_head": "NaN", "freeze_until": -2}},
    faults(
        ("config.freeze-until-range", "/freeze_until", put("/freeze_until", -1)),
        ("config.learning-rate-range", "/lr_head", put("/lr_head", 0.5)),
    ),
)


# --- freezing


def on(document: Any, **arguments: Any) -> dict[str, Any]:
    """The input of freeze, unfreeze or apply."""
    return {"checkpoint": document} | arguments


FROZEN = {"frozen_layers": ["encoder", "head"]}

freeze.accept(
    "freeze-names-with-nul",
    "Two names that differ behind a NUL only: a C string ends there, a name does not.",
    on(named("a\x00b", "a\x00c"), layer_names=["a\x00c"]),
    near="checkpoint.names-unique",
    facts={"frozen_layers": ["a\x00c"]},
)
freeze.accept(
    "freeze-both-frozen-again",
    "Freezing what is frozen is no fault and no toggle.",
    on(checkpoint(**FROZEN), layer_names=["encoder"], until_index=1),
    facts={"frozen_layers": ["encoder", "head"]},
)
for name, code, path, why, data, patch in (
    (
        "until-zero-fraction",
        "until-index-type",
        "/until_index",
        "0.0 is not the Integer 0.",
        on(checkpoint(), until_index=0.0),
        put("/until_index", 0),
    ),
    (
        "until-null-beside-names",
        "until-index-type",
        "/until_index",
        "Null is a value of the wrong type, not absence, whatever else is given.",
        on(checkpoint(), layer_names=["head"], until_index=None),
        drop("/until_index"),
    ),
    (
        "until-minus-n-layers",
        "until-index-range",
        "/until_index",
        "-2 is the first of two layers in Python; here no negative index counts from the end.",
        on(checkpoint(), until_index=-2),
        put("/until_index", 0),
    ),
    (
        "until-minus-one-beside-names",
        "until-index-range",
        "/until_index",
        "-1 adds nothing in a config only; here it is out of range.",
        on(checkpoint(), layer_names=["head"], until_index=-1),
        drop("/until_index"),
    ),
):
    freeze.reject(f"freeze-{name}", f"transfer.{code}", path, why, data, patch)
freeze.precedence(
    "freeze-second-name-unknown-before-index-type",
    "Names are checked before the index, whose type is wrong: not all types come first.",
    on(checkpoint(), until_index=None, layer_names=["head", "tail"]),
    [
        ("transfer.layer-names-unknown", "/layer_names/1", drop("/layer_names/1")),
        ("transfer.until-index-type", "/until_index", drop("/until_index")),
    ],
)
freeze.precedence(
    "freeze-checkpoint-unknown-before-missing",
    "The unknown key is due before the missing one, whatever the argument.",
    on(without(checkpoint(units=3), "weights"), layer_names=["tail"]),
    [
        ("checkpoint.unknown-key", "/checkpoint/units", drop("/checkpoint/units")),
        ("checkpoint.missing-key", "/checkpoint/weights", add("/checkpoint/weights", W)),
        ("transfer.layer-names-unknown", "/layer_names/0", drop("/layer_names")),
    ],
)

unfreeze.accept(
    "unfreeze-nothing-of-one",
    "Without arguments nothing changes, also where but one layer is frozen.",
    on(checkpoint(frozen_layers=["encoder"])),
    facts={"frozen_layers": ["encoder"]},
)
unfreeze.accept(
    "unfreeze-order-locale",
    "What is left is sorted by code point: capitals first, then é after z.",
    on(named("é", "z", "B", "a", "x", frozen_layers=["é", "z", "B", "a", "x"]), layer_names=["x"]),
    facts={"frozen_layers": ["B", "a", "z", "é"]},
)
unfreeze.reject(
    "unfreeze-all-null-beside-names",
    "transfer.all-layers-type",
    "/all_layers",
    "Null is a value of the wrong type, not absence.",
    on(checkpoint(**FROZEN), layer_names=["head"], all_layers=None),
    put("/all_layers", False),
)
unfreeze.reject(
    "unfreeze-names-string-beside-all",
    "transfer.layer-names-type",
    "/layer_names",
    "Beside all_layers the names do not matter, and are checked all the same.",
    on(checkpoint(**FROZEN), all_layers=True, layer_names="head"),
    put("/layer_names", ["head"]),
)
unfreeze.precedence(
    "unfreeze-checkpoint-shape-before-finite",
    "The shape of layer 1 is due before the NaN of layer 0.",
    on(checkpoint(weights=[[["NaN", -0.25, 1.0], W[0][1]], [[1.5]]])),
    [
        ("checkpoint.weight-shape", "/checkpoint/weights/1", put("/checkpoint/weights/1", W[1])),
        ("checkpoint.weight-finite", "/checkpoint/weights/0/0/0", put("/checkpoint/weights/0/0/0", 0.5)),
    ],
)

apply.reject(
    "apply-until-capitals",
    "transfer.freeze-until-unknown",
    "/config/freeze_until",
    "Names are compared with their case.",
    on(checkpoint(), config={"freeze_until": "HEAD"}),
    put("/config/freeze_until", "head"),
)
apply.precedence(
    "apply-checkpoint-finite-before-config-object",
    "The whole checkpoint is checked before the config, down to its last rule.",
    {"config": [], "checkpoint": checkpoint(weights=[W[0], [[1.5, "Infinity"]]])},
    [
        ("checkpoint.weight-finite", "/checkpoint/weights/1/0/1", put("/checkpoint/weights/1/0/1", -0.5)),
        ("config.object", "/config", put("/config", {})),
    ],
)


# --- networks: two layers of two neurons, the second at fault

PLAIN = [[1.0, 0.5], [0.25, 0.75]]
AT = "/network/layers/1"


def second(part: Any, **changes: Any) -> dict[str, Any]:
    """A network whose second layer is `part`."""
    return network(layer(PLAIN), part, **changes)


def ask(whole: Any, steps: Any = 2, stimulus: Any = None, record: tuple[str, ...] = ("counts",)) -> dict[str, Any]:
    """Run a network of two inputs."""
    return simulation(whole, steps, stimulus or constant([1.0, 1.0]), *record)


NETWORKS: list[tuple[str, str, str, str, dict[str, Any], Patch]] = [
    (
        "neuron-null-in-second-layer",
        "object",
        "/neuron",
        "Null is no neuron of default members.",
        second({"weights": PLAIN, "neuron": None}),
        put(f"{AT}/neuron", neuron()),
    ),
    (
        "unknown-key-capital-bias",
        "unknown-key",
        "/Bias",
        "A bias that is overlooked for its capital letter changes every spike.",
        second(layer(PLAIN, Bias=[0.5, 0.5])),
        drop(f"{AT}/Bias"),
    ),
    (
        "unknown-key-capital-threshold",
        "unknown-key",
        "/neuron/Threshold",
        "Keys are compared with their case, so this neuron has a threshold and something else.",
        second(layer(PLAIN, neuron(Threshold=2.0))),
        drop(f"{AT}/neuron/Threshold"),
    ),
    (
        "missing-neuron-in-second-layer",
        "missing-key",
        "/neuron",
        "A layer without neurons does not take over those of the layer before.",
        second({"weights": PLAIN}),
        add(f"{AT}/neuron", neuron()),
    ),
    (
        "bias-null-in-second-layer",
        "bias-type",
        "/bias",
        "Null is not the absence of a bias, though many a framework writes it so.",
        second(layer(PLAIN, bias=None)),
        drop(f"{AT}/bias"),
    ),
    (
        "bias-number-for-two-outputs",
        "bias-type",
        "/bias",
        "One number does not stand for a bias of all outputs.",
        second(layer(PLAIN, bias=0.5)),
        put(f"{AT}/bias", [0.5, 0.5]),
    ),
    (
        "bias-object",
        "bias-type",
        "/bias",
        "An object is no list, even one whose keys are indices.",
        second(layer(PLAIN, bias={"0": 0.5, "1": 0.5})),
        put(f"{AT}/bias", [0.5, 0.5]),
    ),
    (
        "bias-object-empty",
        "bias-type",
        "/bias",
        "An empty object is no empty list.",
        second(layer(PLAIN, bias={})),
        put(f"{AT}/bias", [0.5, 0.5]),
    ),
    (
        "bias-empty-for-two-outputs",
        "bias-shape",
        "/bias",
        "An empty bias is not the absence of one.",
        second(layer(PLAIN, bias=[])),
        put(f"{AT}/bias", [0.5, 0.5]),
    ),
    (
        "bias-nan-in-second-layer",
        "bias-finite",
        "/bias/1",
        "NaN is not finite, though it is no infinity.",
        second(layer(PLAIN, bias=[0.5, "NaN"])),
        put(f"{AT}/bias/1", 0.5),
    ),
    (
        "weight-null-far-inside",
        "weight-type",
        "/weights/0/0/0/0",
        "A leaf is looked for at any depth, before the depth itself is a fault.",
        second(layer([[[[None]]], [[[1.0]]]])),
        put(f"{AT}/weights", PLAIN),
    ),
    (
        "weights-ragged-third-row",
        "weight-rank",
        "/weights",
        "The third row alone is long: every row is held against the first.",
        second(layer([[1.0, 0.5], [0.25, 0.75], [1.0, 0.5, 0.25]])),
        drop(f"{AT}/weights/2/2"),
    ),
    (
        "threshold-infinity-of-lif",
        "threshold",
        "/neuron/threshold",
        "An infinite threshold, a neuron that never fires, is what membrane readout is for.",
        second(layer(PLAIN, lif(0.5, threshold="Infinity"))),
        put(f"{AT}/neuron/threshold", 1.0),
    ),
    (
        "reset-all-capitals",
        "reset",
        "/neuron/reset",
        "Values are compared with their case.",
        second(layer(PLAIN, neuron(reset="ZERO"))),
        put(f"{AT}/neuron/reset", "zero"),
    ),
    (
        "decay-one-ulp-above-one",
        "decay",
        "/neuron/decay",
        "A decay of exp(0) that was computed a little too large grows without bound.",
        second(layer(PLAIN, lif(1.0000000000000002, reset="zero"))),
        put(f"{AT}/neuron/decay", 1.0),
    ),
    (
        "decay-max-subnormal-negative",
        "decay",
        "/neuron/decay",
        "A negative decay too small to matter is negative.",
        second(layer(PLAIN, lif(-5e-324))),
        put(f"{AT}/neuron/decay", 0.0),
    ),
    (
        "decay-nan-in-second-layer",
        "decay",
        "/neuron/decay",
        "NaN is neither below 0 nor above 1, and not within either.",
        second(layer(PLAIN, lif("NaN"))),
        put(f"{AT}/neuron/decay", 0.5),
    ),
    (
        "initial-minus-infinity",
        "initial-potential",
        "/neuron/initial_potential",
        "A neuron that starts at minus infinity never fires; it is rejected, not run.",
        second(layer(PLAIN, neuron(initial_potential="-Infinity"))),
        put(f"{AT}/neuron/initial_potential", -1.0),
    ),
    (
        "initial-nan-under-membrane",
        "initial-potential",
        "/neuron/initial_potential",
        "The potential of a layer that never fires is used all the more.",
        second(layer(PLAIN, neuron(initial_potential="NaN")), readout="membrane"),
        put(f"{AT}/neuron/initial_potential", 0.0),
    ),
]
for name, code, path, why, whole, patch in NETWORKS:
    simulate.reject(f"network-{name}", f"network.{code}", AT + path, why, ask(whole), patch)

simulate.reject(
    "network-layers-none-under-membrane",
    "network.layers",
    "/network/layers",
    "There is no last layer whose membrane could be read.",
    ask({"readout": "membrane", "layers": []}),
    add("/network/layers/-", layer(PLAIN)),
)
simulate.reject(
    "network-layers-1024-without-steps",
    "simulate.steps",
    "/steps",
    "1,024 layers are not too many, so it is the steps that are at fault.",
    simulation(network(*[layer([[1.0]])] * 1024), 0, constant([1.0])),
    put("/steps", 1),
    tags="boundary",
)
simulate.accept(
    "network-near-decay-minus-zero-zero-reset",
    "-0.0 equals 0 and lies within 0 and 1, whatever its sign bit says.",
    ask(second(layer(PLAIN, lif(-0.0, reset="zero"))), 3, record=("counts", "potential")),
    near="network.decay",
    tags="negative-zero",
)


def order(name: str, why: str, whole: Any, *rows: tuple[str, str, Patch], **request: Any) -> None:
    """Declare a request with several faults, in the order in which they are due."""
    simulate.precedence(f"simulate-order-{name}", why, ask(whole) | request, rows)


order(
    "three-unknown-keys-of-a-layer",
    "The first in document order is reported, neither the last nor the first by name.",
    second({"label": 1, "weights": PLAIN, "group": 2, "neuron": neuron(), "units": 3}),
    *[("network.unknown-key", f"{AT}/{key}", drop(f"{AT}/{key}")) for key in ("label", "group", "units")],
)
order(
    "nothing-in-a-neuron",
    "An empty neuron lacks its model first, then its threshold.",
    second(layer(PLAIN, {})),
    ("network.missing-key", f"{AT}/neuron/model", add(f"{AT}/neuron/model", "if")),
    ("network.missing-key", f"{AT}/neuron/threshold", add(f"{AT}/neuron/threshold", 1.0)),
)
order(
    "nothing-in-a-layer",
    "An empty layer lacks its weights first, then its neuron.",
    second({}),
    ("network.missing-key", f"{AT}/weights", add(f"{AT}/weights", PLAIN)),
    ("network.missing-key", f"{AT}/neuron", add(f"{AT}/neuron", neuron())),
)
order(
    "unknown-key-of-neuron-before-missing-key",
    "One neuron lacks its decay and has a tau instead: what is unknown is due first.",
    second(layer(PLAIN, {"model": "lif", "threshold": 1.0, "tau": 2.0})),
    ("network.unknown-key", f"{AT}/neuron/tau", drop(f"{AT}/neuron/tau")),
    ("network.missing-key", f"{AT}/neuron/decay", add(f"{AT}/neuron/decay", 0.5)),
)
order(
    "weight-type-before-bias-type",
    "Layer 0's bias is no list, layer 1 holds a string: all weights come before any bias.",
    network(layer(PLAIN, bias="0.5"), layer([[1.0, "1"], [0.25, 0.75]])),
    ("network.weight-type", f"{AT}/weights/0/1", put(f"{AT}/weights/0/1", 0.5)),
    ("network.bias-type", "/network/layers/0/bias", drop("/network/layers/0/bias")),
)
order(
    "bias-shape-before-chain",
    "Layer 1 does not fit layer 0, and its bias is too short: the bias is due first.",
    second(layer([[1.0], [1.0]], bias=[0.5])),
    ("network.bias-shape", f"{AT}/bias", drop(f"{AT}/bias")),
    ("network.chain", f"{AT}/weights", put(f"{AT}/weights", PLAIN)),
)
order(
    "threshold-before-readout",
    "The readout is the last rule of the network, wherever it stands.",
    {"readout": None, **second(layer(PLAIN, neuron(threshold=-1.0)))},
    ("network.threshold", f"{AT}/neuron/threshold", put(f"{AT}/neuron/threshold", 1.0)),
    ("network.readout", "/network/readout", put("/network/readout", "membrane")),
)
order(
    "reset-before-decay-of-one-neuron",
    "In one neuron the reset is due before the decay, which stands before it.",
    second(layer(PLAIN, {"decay": 2, "model": "lif", "reset": "hard", "threshold": 1.0})),
    ("network.reset", f"{AT}/neuron/reset", put(f"{AT}/neuron/reset", "zero")),
    ("network.decay", f"{AT}/neuron/decay", put(f"{AT}/neuron/decay", 0.5)),
)
order(
    "ragged-last-before-infinite-first",
    "Layer 0 holds an infinity, layer 1 is ragged: rank comes before finiteness over the whole network.",
    network(layer([[1.0, "-Infinity"], [0.25, 0.75]]), layer([[1.0, 0.5], [0.25]])),
    ("network.weight-rank", f"{AT}/weights", add(f"{AT}/weights/1/1", 0.75)),
    ("network.weight-finite", "/network/layers/0/weights/0/1", put("/network/layers/0/weights/0/1", 0.5)),
)


# --- inputs

ONE = network(layer([[1.0, 0.5]]))
"""Two inputs, one neuron."""


def stimulus(name: str, code: str, path: str, why: str, given: Any, good: Any, **request: Any) -> None:
    """Declare an input with one fault, and what to give instead."""
    data = simulation(ONE, 2, given, "counts") | request
    simulate.reject(f"simulate-{name}", code, path, why, data, put("/input", good))


GOOD = constant([1.0, 1.0])

stimulus(
    "input-all-capitals",
    "input.kind",
    "/input/kind",
    "Values are compared with their case.",
    {"kind": "POISSON", "rates": [0.5, 0.5], "seed": 1},
    poisson([0.5, 0.5], 1),
)
stimulus(
    "input-kind-guessed",
    "input.kind",
    "/input/kind",
    "What is meant shows in the members; the kind must be there all the same.",
    {"indices": [[0], [1]]},
    spikes([[0], [1]]),
)
stimulus("input-empty", "input.kind", "/input/kind", "An empty input is not one of silence.", {}, GOOD)
stimulus(
    "seed-absent-from-batch",
    "input.seed",
    "/input/seed",
    "A generator that seeds itself from the clock gives other spikes every time.",
    {"kind": "poisson", "rates": [[0.5, 0.5], [1.0, 0.0]]},
    poisson([[0.5, 0.5], [1.0, 0.0]], 0),
)
stimulus(
    "index-array-in-last-step",
    "input.indices",
    "/input/indices/1/1",
    "Whether spikes are a batch shows in the first entry of the first step alone.",
    spikes([[0], [0, [1]]]),
    spikes([[0], [0, 1]]),
)
stimulus(
    "index-array-in-second-step",
    "input.indices",
    "/input/indices/1/0",
    "The first entry of the first step is an index, so an array behind it is a fault, not a batch.",
    spikes([[0], [[1]]]),
    spikes([[0], [1]]),
)
stimulus(
    "shape-values-row-object",
    "input.shape",
    "/input/values/1",
    "A row that is an object is no row, even an empty one.",
    constant([[1.0, 1.0], {}]),
    constant([[1.0, 1.0], [1.0, 0.0]]),
)
simulate.reject(
    "simulate-record-null-under-membrane",
    "record.kind",
    "/record",
    "Null is a value of the wrong type, not the absence of records.",
    simulation(ONE | {"readout": "membrane"}, 2, GOOD) | {"record": None},
    drop("/record"),
)
simulate.accept(
    "simulate-near-record-trace-repeats",
    "Repeats are harmless, and the answer has each record once.",
    simulation(ONE, 2, GOOD, "trace", "counts", "trace", "trace"),
    near="record.kind",
)
order(
    "unknown-member-before-shape",
    "A misspelt member of the input is due before its missing values.",
    ONE,
    ("input.unknown-key", "/input/value", drop("/input/value")),
    ("input.shape", "/input/values", add("/input/values", [1.0, 1.0])),
    input={"kind": "constant", "value": [1.0, 1.0]},
)
order(
    "three-unknown-members-of-input",
    "The first in document order is reported, neither the last nor the first by name.",
    ONE,
    *[("input.unknown-key", f"/input/{key}", drop(f"/input/{key}")) for key in ("rate", "gain", "steps")],
    input={"rate": 1, "kind": "constant", "gain": 2, "values": [1.0, 1.0], "steps": 3},
)
order(
    "steps-before-range",
    "The steps are due before what is presented at them.",
    ONE,
    ("simulate.steps", "/steps", put("/steps", 2)),
    ("input.range", "/input/values/1", put("/input/values/1", 1.0)),
    steps=0,
    input=constant([1.0, "NaN"]),
)


# --- arithmetic, time and what is not finite


def run(name: str, why: str, whole: Any, steps: int, given: Any, tags: str = "", **facts: Any) -> None:
    """Declare a simulation of which counts and potentials are recorded."""
    simulate.accept(
        f"simulate-{name}", why, simulation(whole, steps, given, "counts", "potential"), tags=tags, facts=facts
    )


run(
    "initial-of-each-layer",
    "Every layer starts at its own potential, the second one just below its threshold.",
    network(layer([[0.25]], neuron(initial_potential=0.5)), layer([[0.25]], neuron(initial_potential=0.75))),
    2,
    constant([1.0]),
    counts=[[1], [1]],
)
run(
    "initial-negative-behind-positive",
    "The first layer starts high and fires at once, the second starts below 0 and does not.",
    network(layer([[0.5]], neuron(initial_potential=0.5)), layer([[1.0]], neuron(initial_potential=-2.0))),
    3,
    constant([1.0]),
    counts=[[2], [0]],
)
run(
    "minus-zero-without-input",
    "A sum of nothing is +0.0, and -0.0 + 0.0 is 0.0: a sum that begins at -0.0 leaves the potential as it was.",
    network(layer([[1.0]], neuron(initial_potential=-0.0))),
    1,
    constant([0.0]),
    "negative-zero",
    potential=[["0000000000000000"]],
)
run(
    "minus-zero-without-spikes",
    "Without any spike the current is +0.0, at every step and in every layer.",
    network(layer([[1.0]], neuron(initial_potential=-0.0)), layer([[1.0]], lif(0.5, initial_potential=-0.0))),
    2,
    spikes([[], []]),
    "negative-zero",
    potential=[["0000000000000000"], ["0000000000000000"]],
)
run(
    "counts-above-65535",
    "70,000 spikes: a count of sixteen bits wraps to 4,464.",
    network(layer([[1.0]])),
    70_000,
    constant([1.0]),
    "long",
    counts=[[70_000]],
)
run(
    "sum-of-layer-overflows",
    "Each potential is finite though their sum is not: isfinite(sum(v)) is no test.",
    network(layer([[1.0], [1.0]], neuron(threshold=MAX)), readout="membrane"),
    1,
    constant([1.5e308]),
    "overflow",
)
run(
    "sum-of-layer-overflows-at-spikes",
    "Four finite potentials whose sum is infinite, each of which fires and resets.",
    network(layer([[1.0], [1.0], [1.0], [1.0]], neuron(threshold=1e308, reset="zero"))),
    2,
    constant([1.25e308]),
    "overflow",
    counts=[[2, 2, 2, 2]],
)
simulate.reject(
    "simulate-overflow-hidden-by-reset",
    "simulate.non-finite",
    "/network/layers/0",
    "The potential overflows, fires and is reset to zero in one step: before the reset it was infinite.",
    simulation(
        network(layer([[1.0]], neuron(initial_potential=1e308, threshold=1e308, reset="zero"))), 1, constant([1e308])
    ),
    put("/input/values/0", 1.0),
    tags="overflow",
)
simulate.reject(
    "simulate-overflow-of-current-hidden-by-reset",
    "simulate.non-finite",
    "/network/layers/1",
    "An infinite current makes the neuron fire, and its reset to zero would leave no trace of it.",
    simulation(
        network(layer([[1.0], [1.0]]), layer([[1e308, 1e308]], neuron(reset="zero"))), 1, constant([1.0]), "counts"
    ),
    put("/network/layers/1/weights/0/1", 0.0),
    tags="overflow",
)
simulate.reject(
    "simulate-overflow-step-before-layer-in-batch",
    "simulate.non-finite",
    "/network/layers/1",
    "Of sample 1, layer 1 overflows at step 1 and layer 0 only at step 3; sample 0 stays silent.",
    simulation(
        network(layer([[1.0, 0.0], [0.0, 5e307]]), layer([[1e308, 0.0]])), 6, constant([[0.0, 0.0], [1.0, 1.0]])
    ),
    put("/steps", 1),
    tags="overflow batch",
)
simulate.reject(
    "simulate-overflow-nan-of-potential",
    "simulate.non-finite",
    "/network/layers/0",
    "Two opposite infinities in one sum are NaN, never an infinite potential; a test with == or < misses it.",
    simulation(network(layer([[MAX, -MAX]])), 3, constant([-2.0, -2.0]), "potential"),
    put("/input/values", [-1.0, -1.0]),
    tags="overflow",
)


# --- spike trains

encode.accept(
    "encode-steps-66000-sparse",
    "The step is the first word of the counter: one of sixteen bits repeats itself from step 65,536 on.",
    {"rates": [0.03125], "seed": 11, "steps": 66_000},
    near="simulate.steps",
    tags="philox long",
)
encode.accept(
    "encode-steps-5000",
    "A generator that works in blocks of steps must go on counting behind the first block.",
    {"rates": [0.0625, 0.03125, 0.015625, 0.0, 0.0078125], "seed": 12, "steps": 5_000},
    tags="philox long",
)
simulate.accept(
    "simulate-poisson-steps-66000",
    "The network is given the spikes of step 65,536 there, not those of step 0 again.",
    simulation(network(layer([[1.0]], neuron(threshold=2.0))), 66_000, poisson([0.5], 3), "counts"),
    tags="philox poisson long",
)
simulate.accept(
    "simulate-poisson-sample-across-two-to-32-thrice",
    "The numbers of the samples are 2^32 - 1, 2^32 and 2^32 + 1: each has an upper half of its own.",
    simulation(
        network(layer([[1.0, 0.0], [0.0, 1.0]])),
        8,
        poisson([[0.5, 0.25]] * 3, 9, sample=2**32 - 1),
        "spikes",
    ),
    tags="philox poisson batch",
)
encode.reject(
    "encode-rates-batch-of-empty",
    "input.shape",
    "/rates/0",
    "encode.poisson takes one sample; an empty row is no rate.",
    {"rates": [[]], "seed": 1, "steps": 1},
    put("/rates", []),
)


# --- what faults of one language left to a single case

config.accept(
    "config-text-integer-minus-zero-backbone",
    "The sign of -0 is kept in either rate.",
    text('{"lr_backbone":-0,"lr_head":1}'),
    near="config.learning-rate-range",
    tags="number",
)
validate.accept(
    "checkpoint-near-types-empty-one-layer",
    "An empty list of types fits any number of layers, one too.",
    {"document": {"layer_names": ["only"], "layer_sizes": [[2, 1]], "weights": [[[0.5, -0.25]]], "neuron_types": []}},
    near="checkpoint.types-count",
)
