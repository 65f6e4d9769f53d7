"""Cases of checkpoint.load about places and sidecars: what comes before the archive is opened."""

from __future__ import annotations

import json
from typing import Any

from artefacts import (
    ARCHIVE,
    ARCHIVE2,
    Part,
    digest,
    keep,
    keep_pair,
    members,
    npy,
    sidecar,
    sidecar2,
    stored_layer,
    stored_network,
    zipped,
)
from documents import without
from pairs import SOUND, SOUND2, Pairs

pairs = Pairs("sidecar")
networks = Pairs("network")
TABLES = [*pairs.tables, *networks.tables]
accept = pairs.accept


def reject(name: str, code: str, path: str, why: str, document: Any, *, twin: bool = False, done: str = "") -> None:
    """A sidecar with one fault beside the sound archive."""
    pairs.reject(
        name, code, path, done or f"the sidecar of a sound pair with {code} at {path}", why, document, twin=twin
    )


def text(document: Any) -> bytes:
    return json.dumps(document, ensure_ascii=False).encode()


# --- file.path

for name, base in {
    "empty": "",
    "absolute": "/artefacts/sound/two-layers",
    "parent": "../corpus/artefacts/sound/two-layers",
    "parent-inside": "artefacts/archive/../sound/two-layers",
    "parent-last": "artefacts/sound/..",
    "dot": "./artefacts/sound/two-layers",
    "dot-inside": "artefacts/./sound/two-layers",
    "double-slash": "artefacts//sound/two-layers",
    "slash-at-end": "artefacts/sound/two-layers/",
    "backslash": "artefacts\\sound\\two-layers",
    "nul": "artefacts/sound/two-layers\0",
    "nul-before-suffix": "artefacts/sound/two-layers\0.x",
    "null": None,
    "number": 5,
    "array": ["artefacts", "sound", "two-layers"],
}.items():
    pairs.missing(
        f"base-{name}",
        "file.path",
        "/base",
        "A place is names between single slashes, below the root; what else a system would understand is refused.",
        base,
        twin=name in ("parent", "null"),
    )
for name, base in {
    "dots": "artefacts/sidecar/model.v1.2",
    "hidden": "artefacts/sidecar/.hidden",
    "three-dots": "artefacts/sidecar/.../model",
    "json": "artefacts/sidecar/model.json",
    "spaces": "artefacts/sidecar/a model ~ $HOME %41",
    "unicode": "artefacts/sidecar/mod\u00e8le-\u6a21\u578b-\U0001f9e0",
    "tilde": "artefacts/sidecar/~",
}.items():
    accept(
        f"base-{name}",
        ["file.path", "checkpoint.sidecar-missing"],
        f"a sound pair with the base name {base.rsplit('/', 1)[1]}",
        "The extensions are appended: a dot in the base is part of it, and no other character means anything.",
        base=base,
    )

# --- checkpoint.sidecar-missing

keep("artefacts/sidecar/only-archive.npz", ARCHIVE, "an archive without a sidecar")
for name, base in {
    "nowhere": "artefacts/sidecar/nowhere",
    "no-folder": "artefacts/no-folder/model",
    "only-archive": "artefacts/sidecar/only-archive",
    "with-extension": "artefacts/sound/two-layers.npz",
    "stem-of-dotted": "artefacts/sidecar/model.v1",
}.items():
    pairs.missing(
        f"sidecar-missing-{name}",
        "checkpoint.sidecar-missing",
        "",
        "The sidecar is BASE.json and nothing else; the path is the root, for there is nothing to point into.",
        base,
        twin=name == "nowhere",
    )

# --- json

for name, code, content in [
    ("latin-1", "json.encoding", text(sidecar()).replace(b"head", b"t\xeate")),
    ("bom", "json.encoding", b"\xef\xbb\xbf" + text(sidecar())),
    ("empty", "json.syntax", b""),
    ("trailing-comma", "json.syntax", text(sidecar())[:-1] + b",}"),
    ("nan", "json.syntax", text(sidecar(metadata={"loss": float("nan")}))),
    ("two-documents", "json.syntax", text(sidecar()) + b"\n{}"),
    ("nul-behind", "json.syntax", text(sidecar()) + b"\0"),
    ("lone-surrogate", "json.surrogate", text(sidecar(metadata={"note": "?"})).replace(b"?", b"\\ud800")),
    ("duplicate-key", "json.duplicate-key", text(sidecar())[:-1] + b', "n_layers": 2}'),
    ("duplicate-in-metadata", "json.duplicate-key", text(sidecar(metadata={"a": 1}))[:-2] + b', "\\u0061": 1}}'),
    ("depth-65", "json.depth", text(sidecar(metadata={"m": 0})).replace(b"0}}", b"[" * 63 + b"]" * 63 + b"}}")),
    ("number-range", "json.number-range", text(sidecar(metadata={"m": 0})).replace(b"0}}", b"1e309}}")),
]:
    pairs.reject(
        f"json-{name}",
        code,
        "",
        f"the text of the sidecar: {name}",
        "A sidecar is a JSON text by the strict rules, whatever the JSON reader at hand takes.",
        content,
        twin=name in ("bom", "empty", "lone-surrogate", "duplicate-key", "depth-65", "number-range"),
    )
accept(
    "json-depth-64",
    ["json.depth", "json.number-range"],
    "metadata nested up to depth 64",
    "The depth counts from the root of the sidecar: metadata may be 63 deep.",
    text(sidecar(metadata={"m": 0})).replace(b"0}}", b"[" * 62 + b"1e308" + b"]" * 62 + b"}}"),
)
accept(
    "json-escapes",
    ["json.duplicate-key", "json.surrogate", "json.encoding"],
    "keys, names and metadata written with escapes, white space around them",
    "Keys and names are compared after unescaping.",
    b'\r\n\t{"n\\u005flayers" : 2, "layer_names":["\\ud83d\\ude00","t\xc3\xaate"],"layer_sizes":[[3,2],[2,1]],\n'
    b'"total_params":8,"frozen_layers":["\\u0074\xc3\xaate"],"metadata":{"a":1,"A":2}} \n',
    facts={"layer_names": ["\U0001f600", "t\u00eate"], "frozen_layers": ["t\u00eate"]},
)
accept(
    "json-no-newline",
    "json.syntax",
    "no newline at the end of the sidecar",
    "Whether a newline ends the text does not matter.",
    text(sidecar()),
)

# --- checkpoint.*

for name, document in {"array": [sidecar()], "null": b"null", "string": "model"}.items():
    reject(f"sidecar-{name}", "checkpoint.object", "", "A sidecar is an object.", document, twin=name == "array")
for name, key in {"weights": "weights", "digest": "digest", "capital": "Metadata", "bias": "biases"}.items():
    reject(
        f"sidecar-unknown-{name}",
        "checkpoint.unknown-key",
        f"/{key}",
        "A key that no rule knows could be a misspelt one; weights belong into the archive.",
        sidecar(**{key: []}),
        twin=name == "weights",
    )
for key in ("n_layers", "layer_names", "layer_sizes", "total_params"):
    reject(
        f"sidecar-missing-{key.replace('_', '-')}",
        "checkpoint.missing-key",
        f"/{key}",
        "What could be counted is required all the same: it tells a damaged sidecar.",
        without(sidecar(), key),
        twin=key == "n_layers",
    )
reject(
    "sidecar-missing-order",
    "checkpoint.missing-key",
    "/n_layers",
    "Missing members are reported in the order of the text.",
    {},
)
for name, version in {"0": 0, "3": 3, "minus": -1, "string": "1", "float": 1.0, "true": True, "null": None}.items():
    reject(
        f"format-version-{name}",
        "checkpoint.format-version",
        "/format_version",
        "The formats are the Integers 1 and 2; a newer one is not to be guessed at.",
        sidecar(format_version=version),
        twin=name == "3",
    )
accept(
    "format-version-1",
    ["checkpoint.format-version", "checkpoint.network"],
    "format_version 1",
    "Format 1 may be said, and is what is meant where nothing is.",
    sidecar(format_version=1),
    facts={"format_version": 1},
)
for name, document in {
    "in-format-1": sidecar2(format_version=1),
    "without-format": without(sidecar2(), "format_version"),
    "null-in-format-1": sidecar(network=None),
    "absent-in-format-2": without(sidecar2(), "network"),
}.items():
    reject(
        f"network-{name}",
        "checkpoint.network",
        "/network",
        "Format 2 has a network and format 1 has none; null is there, and no absence.",
        document,
        twin=name == "in-format-1",
    )

BAD: list[tuple[str, str, str, str, dict[str, Any]]] = [
    ("names-string", "checkpoint.names-type", "/layer_names", "A string is no list of names.", {"layer_names": "ab"}),
    ("names-number", "checkpoint.names-type", "/layer_names/1", "A name is a string.", {"layer_names": ["a", 1]}),
    (
        "names-twice",
        "checkpoint.names-unique",
        "/layer_names/1",
        "A name is that of one layer.",
        {"layer_names": ["a", "a"]},
    ),
    (
        "sizes-short",
        "checkpoint.sizes-count",
        "/layer_sizes",
        "One pair of sizes per layer.",
        {"layer_sizes": [[3, 2]]},
    ),
    ("sizes-object", "checkpoint.sizes-count", "/layer_sizes", "Sizes are a list.", {"layer_sizes": {"0": [3, 2]}}),
    (
        "size-negative",
        "checkpoint.sizes-type",
        "/layer_sizes/1",
        "A size is not negative.",
        {"layer_sizes": [[3, 2], [2, -1]]},
    ),
    (
        "size-float",
        "checkpoint.sizes-type",
        "/layer_sizes/0",
        "2.0 is no Integer.",
        {"layer_sizes": [[3, 2.0], [2, 1]]},
    ),
    (
        "size-triple",
        "checkpoint.sizes-type",
        "/layer_sizes/0",
        "A pair has two sizes.",
        {"layer_sizes": [[3, 2, 1], [2, 1]]},
    ),
    ("types-null", "checkpoint.types-type", "/neuron_types", "Null is no list.", {"neuron_types": None}),
    ("types-entry", "checkpoint.types-type", "/neuron_types/0", "A type is a string.", {"neuron_types": [0, "if"]}),
    (
        "types-short",
        "checkpoint.types-count",
        "/neuron_types",
        "One type per layer, or none.",
        {"neuron_types": ["if"]},
    ),
    (
        "types-long",
        "checkpoint.types-count",
        "/neuron_types",
        "Not more types than layers.",
        {"neuron_types": ["a", "b", "c"]},
    ),
    ("frozen-string", "checkpoint.frozen-type", "/frozen_layers", "A name is no list.", {"frozen_layers": "encoder"}),
    ("frozen-index", "checkpoint.frozen-type", "/frozen_layers/0", "An index is no name.", {"frozen_layers": [0]}),
    (
        "frozen-unknown",
        "checkpoint.frozen-unknown",
        "/frozen_layers/1",
        "Only what is there can be frozen.",
        {"frozen_layers": ["head", "Head"]},
    ),
    ("metadata-list", "checkpoint.metadata-type", "/metadata", "Metadata is an object.", {"metadata": []}),
    ("metadata-null", "checkpoint.metadata-type", "/metadata", "Null is no metadata.", {"metadata": None}),
    ("layers-3", "checkpoint.layer-count", "/n_layers", "The count is that of the names.", {"n_layers": 3}),
    ("layers-float", "checkpoint.layer-count", "/n_layers", "2.0 is no Integer.", {"n_layers": 2.0}),
    ("layers-string", "checkpoint.layer-count", "/n_layers", "A string is no count.", {"n_layers": "2"}),
    (
        "params-more",
        "checkpoint.parameter-count",
        "/total_params",
        "The count is that of all elements.",
        {"total_params": 9},
    ),
    ("params-float", "checkpoint.parameter-count", "/total_params", "8.0 is no Integer.", {"total_params": 8.0}),
    ("params-null", "checkpoint.parameter-count", "/total_params", "Null is no count.", {"total_params": None}),
    ("digest-null", "checkpoint.digest-type", "/archive_digest", "Null is no absence.", {"archive_digest": None}),
    (
        "digest-short",
        "checkpoint.digest-type",
        "/archive_digest",
        "A digest has 64 digits.",
        {"archive_digest": digest(ARCHIVE)[:-1]},
    ),
    (
        "digest-long",
        "checkpoint.digest-type",
        "/archive_digest",
        "No newline either.",
        {"archive_digest": digest(ARCHIVE) + "\n"},
    ),
    (
        "digest-capitals",
        "checkpoint.digest-type",
        "/archive_digest",
        "Its digits are lower-case.",
        {"archive_digest": digest(ARCHIVE).upper()},
    ),
    (
        "digest-path",
        "checkpoint.digest-type",
        "/archive_digest",
        "Its first digits become part of a file's name.",
        {"archive_digest": "../" * 21 + "x"},
    ),
    (
        "digest-wide",
        "checkpoint.digest-type",
        "/archive_digest",
        "Only ASCII digits are digits.",
        {"archive_digest": "\uff10" * 64},
    ),
]
for name, code, path, why, changes in BAD:
    twin = name in (
        "names-string",
        "names-twice",
        "sizes-short",
        "size-negative",
        "types-null",
        "types-short",
        "frozen-string",
    )
    twin = twin or name in ("frozen-unknown", "metadata-list", "layers-3", "params-more", "digest-short")
    reject(f"sidecar-{name}", code, path, why, sidecar(**changes), twin=twin)
HUGE = 2**53 - 1
reject(
    "sidecar-params-overflow",
    "checkpoint.parameter-count",
    "/total_params",
    "The product of the sizes is 0 modulo 2^64, and the sum without overflow is not.",
    sidecar(layer_sizes=[[2**32, 2**32], [2, 1]], total_params=2),
)
reject(
    "sidecar-params-sum-overflow",
    "checkpoint.parameter-count",
    "/total_params",
    "The sum of the layers wraps round in 64 bits to the number that is said.",
    {
        "n_layers": 8,
        "layer_names": list("abcdefgh"),
        "layer_sizes": [[2**31, 2**30]] * 8,
        "total_params": 0,
    },
)
reject(
    "sidecar-params-biases",
    "checkpoint.parameter-count",
    "/total_params",
    "In format 2 the biases count too.",
    sidecar2(total_params=8),
)

accept(
    "sidecar-everything",
    ["checkpoint.unknown-key", "checkpoint.types-count", "checkpoint.frozen-unknown", "checkpoint.digest-type"],
    "a sidecar of format 1 with all its members, in another order",
    "The members of a sidecar may come in any order; frozen layers are sorted and named once.",
    {
        "archive_digest": digest(ARCHIVE),
        "frozen_layers": ["head", "encoder", "head"],
        "metadata": {"author": "A", "nested": {"list": [1, 2.5, None, True, "\u00e9"]}},
        "neuron_types": ["lif", "anything"],
        "format_version": 1,
    }
    | sidecar(),
    facts={"frozen_layers": ["encoder", "head"], "n_layers": 2, "total_params": 8},
)
accept(
    "sidecar-empty-lists",
    ["checkpoint.types-type", "checkpoint.frozen-type", "checkpoint.metadata-type", "checkpoint.types-count"],
    "optional members that are empty",
    "An empty list of types is no list that is too short.",
    sidecar(neuron_types=[], frozen_layers=[], metadata={}),
)
accept(
    "sidecar-metadata-large",
    ["checkpoint.sidecar-size", "checkpoint.metadata-type"],
    "metadata of 48,000 characters",
    "A sidecar may be large: its limit is 16 MiB, not that of a buffer.",
    sidecar(metadata={"notes": "0123456789abcdef" * 3000}),
)
accept(
    "sidecar-metadata-white-space",
    "checkpoint.sidecar-size",
    "60,000 spaces before the sidecar",
    "White space counts for the size and for nothing else.",
    b" " * 60000 + text(sidecar()),
)
accept(
    "sidecar-names-alike",
    ["checkpoint.names-unique", "checkpoint.names-type"],
    "an empty name, and one that is the name of a member",
    "Names of layers are any strings; those of the members are layer_0, layer_1, whatever the layers are called.",
    sidecar(layer_names=["", "layer_0"], frozen_layers=[""]),
)
accept(
    "sidecar-names-normal-forms",
    ["checkpoint.names-unique", "checkpoint.frozen-unknown"],
    "two names that are equal once normalised",
    "Names are compared by code points.",
    sidecar(layer_names=["caf\u00e9", "cafe\u0301"], frozen_layers=["cafe\u0301"]),
)
accept(
    "sidecar-sizes-unchained",
    ["checkpoint.sizes-type", "checkpoint.sizes-count", "network.chain"],
    "layers that do not chain, format 1",
    "In format 1 consecutive layers need not chain.",
    sidecar(layer_sizes=[[2, 1], [3, 2]]),
    zipped(
        [Part("layer_0.npy", members()[1].content), Part("layer_1.npy", members()[0].content)],
    ),
)
accept(
    "sidecar-minus-zero",
    ["checkpoint.layer-count", "checkpoint.parameter-count", "archive.entry-count"],
    "no layers, counts of -0",
    "-0 is the Integer 0, and a checkpoint may have no layers.",
    b'{"n_layers": -0, "layer_names": [], "layer_sizes": [], "total_params": -0}',
    zipped([]),
)
accept(
    "sidecar-zero-widths",
    ["checkpoint.sizes-type", "checkpoint.parameter-count", "checkpoint.layer-count"],
    "layers of width zero on either side",
    "A layer may have no inputs or no outputs.",
    sidecar(layer_sizes=[[0, 2], [2, 0]], total_params=0),
    zipped([Part("layer_0.npy", npy([], (2, 0))), Part("layer_1.npy", npy([], (0, 2)))]),
)
accept(
    "sidecar-enormous-widths-of-nothing",
    ["checkpoint.parameter-count", "checkpoint.sizes-type", "npy.length"],
    "2^53-1 outputs without inputs, and 2^53-1 inputs without outputs",
    "A matrix of 2^53-1 rows of no elements has no elements: nothing is to be allocated for its rows.",
    sidecar(layer_sizes=[[0, HUGE], [HUGE, 0]], total_params=0),
    zipped([Part("layer_0.npy", npy([], (HUGE, 0))), Part("layer_1.npy", npy([], (0, HUGE)))]),
)

# --- networks


def bad_network(name: str, code: str, path: str, why: str, network: Any, *, twin: bool = False, **changes: Any) -> None:
    networks.reject(
        f"stored-{name}",
        code,
        f"/network{path}",
        f"the network of a sound pair with {code} at /network{path}",
        why,
        sidecar2(network, **changes),
        ARCHIVE2,
        twin=twin,
    )


def first_layer(**changes: Any) -> dict[str, Any]:
    return stored_network(stored_layer(0) | changes, stored_layer(1))


def first_neuron(**changes: Any) -> dict[str, Any]:
    return stored_network(stored_layer(0, **changes), stored_layer(1))


bad_network(
    "array", "network.object", "", "A network is an object, not its list of layers.", [stored_layer(0)], twin=True
)
bad_network("layer-null", "network.object", "/layers/1", "A layer is an object.", {"layers": [stored_layer(0), None]})
bad_network("neuron-string", "network.object", "/layers/0/neuron", "A neuron is an object.", first_layer(neuron="lif"))
bad_network("unknown-key", "network.unknown-key", "/name", "No other keys.", stored_network(name="x"), twin=True)
bad_network(
    "checkpoint-key",
    "network.unknown-key",
    "/checkpoint",
    "A stored network cannot name another pair.",
    stored_network(checkpoint="artefacts/sound/network"),
)
bad_network(
    "decay-of-if", "network.unknown-key", "/layers/0/neuron/decay", "No decay beside if.", first_neuron(decay=0.5)
)
bad_network("no-layers", "network.missing-key", "/layers", "A network has layers.", {"readout": "spikes"}, twin=True)
bad_network(
    "no-weights",
    "network.missing-key",
    "/layers/0/weights",
    "Where the weights are is told in each layer, though it could be guessed.",
    stored_network(without(stored_layer(0), "weights"), stored_layer(1)),
)
bad_network(
    "no-decay", "network.missing-key", "/layers/0/neuron/decay", "A lif neuron has a decay.", first_neuron(model="lif")
)
bad_network("layers-object", "network.layers", "/layers", "Layers are an array.", {"layers": {}}, twin=True)
bad_network("layers-short", "network.layers", "/layers", "One layer per layer name.", {"layers": [stored_layer(0)]})
bad_network(
    "layers-long",
    "network.layers",
    "/layers",
    "Not more layers than layer names, though their members be there.",
    stored_network(stored_layer(0), stored_layer(1), stored_layer(1)),
)
networks.reject(
    "stored-layers-none",
    "network.layers",
    "/network/layers",
    "a network without layers, beside no layer names",
    "A checkpoint may have no layers, a network has one at least.",
    {
        "n_layers": 0,
        "layer_names": [],
        "layer_sizes": [],
        "total_params": 0,
        "format_version": 2,
        "network": {"layers": []},
    },
    zipped([]),
)
for name, weights in {
    "inline": [[0.5, -0.25, 1.0], [0.125, 0.0, -1.0]],
    "string": "layer_0",
    "other": {"member": "layer_1"},
    "suffix": {"member": "layer_0.npy"},
    "file": {"file": "artefacts/sound/network.npz", "member": "layer_0"},
    "null": {"member": None},
    "empty": {},
}.items():
    bad_network(
        f"member-{name}",
        "network.member",
        "/layers/0/weights",
        "The weights of layer 0 are the member layer_0 of the same archive, and are told so.",
        first_layer(weights=weights),
        twin=name == "inline",
    )
for name, bias in {
    "null": None,
    "inline": [0.25, -0.125],
    "weights": {"member": "layer_0"},
    "next": {"member": "bias_1"},
}.items():
    bad_network(
        f"member-bias-{name}",
        "network.member",
        "/layers/0/bias",
        "A bias is the member bias_0, or is not there.",
        first_layer(bias=bias),
    )
networks.reject(
    "stored-chain",
    "network.chain",
    "/network/layers/1/weights",
    "layers of sizes 3 -> 2 and 3 -> 1 in format 2",
    "In format 2 layers must chain, by their sizes; the archive is not read for it.",
    sidecar2(layer_sizes=[[3, 2], [3, 1]], total_params=12),
    twin=True,
)
networks.reject(
    "stored-chain-zero",
    "network.chain",
    "/network/layers/1/weights",
    "layers of sizes 3 -> 2 and 0 -> 1 in format 2",
    "A width of zero is a width.",
    sidecar2(layer_sizes=[[3, 2], [0, 1]], total_params=9),
)
FAULTS: list[tuple[str, str, str, str, dict[str, Any]]] = [
    ("model-unknown", "network.neuron-model", "model", "No other models.", {"model": "izhikevich", "decay": 0.5}),
    ("model-capitals", "network.neuron-model", "model", "In lower case.", {"model": "IF"}),
    ("threshold-zero", "network.threshold", "threshold", "A threshold is above 0.", {"threshold": 0}),
    ("threshold-nan", "network.threshold", "threshold", "NaN is not above 0.", {"threshold": "NaN"}),
    ("threshold-array", "network.threshold", "threshold", "One threshold per layer.", {"threshold": [1.0, 1.0]}),
    ("reset-unknown", "network.reset", "reset", "Two resets there are.", {"reset": "none"}),
    ("reset-null", "network.reset", "reset", "Null is no reset.", {"reset": None}),
    ("decay-above", "network.decay", "decay", "A decay is at most 1.", {"model": "lif", "decay": 1.0000000000000002}),
    ("decay-negative", "network.decay", "decay", "A decay is not negative.", {"model": "lif", "decay": -5e-324}),
    (
        "potential-infinite",
        "network.initial-potential",
        "initial_potential",
        "It is finite.",
        {"initial_potential": "Infinity"},
    ),
    (
        "potential-true",
        "network.initial-potential",
        "initial_potential",
        "True is no Number.",
        {"initial_potential": True},
    ),
]
for name, code, key, why, changes in FAULTS:
    twin = name in ("threshold-zero", "reset-unknown", "decay-above", "potential-infinite", "model-unknown")
    bad_network(
        name,
        code,
        f"/layers/0/neuron/{key}",
        f"Neurons of a stored network are checked. {why}",
        first_neuron(**changes),
        twin=twin,
    )
for name, readout in {"null": None, "counts": "counts"}.items():
    why = "The readout of a stored network is checked."
    bad_network(
        f"readout-{name}", "network.readout", "/readout", why, stored_network(readout=readout), twin=name == "null"
    )

networks.accept(
    "stored-everything",
    [
        "checkpoint.format-version",
        "checkpoint.network",
        "checkpoint.digest-type",
        "network.unknown-key",
        "network.missing-key",
        "network.reset",
        "network.readout",
        "network.decay",
        "network.member",
    ],
    "a network with all its members, their order changed, and the digest",
    "The members of a stored network may come in any order.",
    sidecar2(
        {
            "readout": "membrane",
            "layers": [
                {
                    "neuron": {
                        "decay": 0.875,
                        "threshold": 0.5,
                        "reset": "zero",
                        "initial_potential": -0.0,
                        "model": "lif",
                    },
                    "bias": {"member": "bias_0"},
                    "weights": {"member": "layer_0"},
                },
                stored_layer(1, initial_potential=0.25, reset="subtract"),
            ],
        },
        archive_digest=digest(ARCHIVE2),
        neuron_types=["lif", "if"],
        frozen_layers=["head"],
    ),
    ARCHIVE2,
    facts={"format_version": 2, "total_params": 11, "frozen_layers": ["head"]},
    twin=3,
)
networks.accept(
    "stored-edges",
    ["network.threshold", "network.decay", "network.initial-potential", "network.neuron-model", "network.object"],
    "the smallest threshold, decays of 0 and 1, a potential as large as can be",
    "Values at the edge of their ranges are within.",
    sidecar2(
        stored_network(
            stored_layer(0, model="lif", decay=1, threshold=5e-324, initial_potential=-1.7976931348623157e308),
            stored_layer(1, model="lif", decay=-0.0),
        )
    ),
    ARCHIVE2,
    twin=3,
)
networks.accept(
    "stored-no-biases",
    ["network.member", "network.layers", "network.missing-key"],
    "a network without biases",
    "A network need not have biases: then none are due.",
    sidecar2(stored_network(stored_layer(0, bias=False), stored_layer(1, bias=False)), total_params=8),
    twin=3,
)
networks.accept(
    "stored-zero-widths",
    ["network.chain", "network.layers", "network.readout"],
    "a network 0 -> 2 -> 0 -> 1, every layer with a bias",
    "Layers of width zero chain as others do, and a bias of no entries is a member too.",
    {
        "n_layers": 3,
        "layer_names": ["a", "b", "c"],
        "layer_sizes": [[0, 2], [2, 0], [0, 1]],
        "total_params": 3,
        "format_version": 2,
        "network": stored_network(stored_layer(0), stored_layer(1), stored_layer(2), readout="spikes"),
    },
    zipped(
        [
            Part("bias_2.npy", npy([0.75], (1,))),
            Part("bias_1.npy", npy([], (0,))),
            Part("bias_0.npy", npy([0.5, 1.0], (2,))),
            Part("layer_2.npy", npy([], (1, 0))),
            Part("layer_1.npy", npy([], (0, 2))),
            Part("layer_0.npy", npy([], (2, 0))),
        ]
    ),
)
base = "artefacts/network/stored-first-of-nothing"
keep_pair(
    base,
    sidecar2(stored_network(stored_layer(0), stored_layer(1)), layer_sizes=[[3, 0], [0, 1]], total_params=1),
    zipped(
        [
            Part("layer_0.npy", npy([], (0, 3))),
            Part("bias_0.npy", npy([], (0,))),
            Part("layer_1.npy", npy([], (1, 0))),
            Part("bias_1.npy", npy([0.5], (1,))),
        ]
    ),
    "a first layer of 3 inputs without outputs",
)

# --- order

WRONG = sidecar2(
    stored_network(stored_layer(0) | {"weights": 0}, stored_layer(1, threshold=0)),
    n_layers=9,
    total_params=9,
    archive_digest="",
    layer_names=["a", "a"],
)
pairs.precedence(
    "order-sidecar",
    "From its keys to its digest, the network between metadata and counts, and all of it before the archive.",
    [
        ("checkpoint.unknown-key", "/x", without(WRONG, "n_layers") | {"x": 0, "format_version": 3}, None),
        ("checkpoint.missing-key", "/n_layers", without(WRONG, "n_layers") | {"format_version": 3}, None),
        ("checkpoint.format-version", "/format_version", without(WRONG, "network") | {"format_version": 3}, None),
        ("checkpoint.network", "/network", without(WRONG, "network"), None),
        ("checkpoint.names-unique", "/layer_names/1", WRONG | {"metadata": 0}, None),
        ("checkpoint.metadata-type", "/metadata", WRONG | {"metadata": 0, "layer_names": ["a", "b"]}, None),
        ("network.member", "/network/layers/0/weights", WRONG | {"layer_names": ["a", "b"]}, None),
        (
            "network.threshold",
            "/network/layers/1/neuron/threshold",
            WRONG
            | {"layer_names": ["a", "b"], "network": stored_network(stored_layer(0), stored_layer(1, threshold=0))},
            None,
        ),
        ("checkpoint.layer-count", "/n_layers", sidecar2(n_layers=9, total_params=9, archive_digest=""), None),
        ("checkpoint.parameter-count", "/total_params", sidecar2(total_params=9, archive_digest=""), None),
        ("checkpoint.digest-type", "/archive_digest", sidecar2(archive_digest=""), None),
        ("archive.missing", "", sidecar2(), None),
    ],
    SOUND2,
)
BENT = stored_network(
    {"weights": {"member": "x"}, "neuron": {"model": "lif", "threshold": 1, "x": 0}}, stored_layer(0, model="x")
)
pairs.precedence(
    "order-network",
    "Inside a stored network every rule is asked of all layers before the next one.",
    [
        ("network.object", "/network/layers/1", sidecar2(stored_network(BENT["layers"][0], 0)), None),
        ("network.unknown-key", "/network/layers/0/neuron/x", sidecar2(BENT), None),
        (
            "network.missing-key",
            "/network/layers/0/neuron/decay",
            sidecar2(
                stored_network(
                    {"weights": {"member": "x"}, "neuron": {"model": "lif", "threshold": 1}}, stored_layer(0, model="x")
                )
            ),
            None,
        ),
        (
            "network.member",
            "/network/layers/0/weights",
            sidecar2(stored_network(stored_layer(0) | {"weights": {"member": "x"}}, stored_layer(0, model="x"))),
            None,
        ),
        (
            "network.member",
            "/network/layers/1/weights",
            sidecar2(stored_network(stored_layer(0), stored_layer(0, model="x")), layer_sizes=[[3, 2], [3, 1]]),
            None,
        ),
        (
            "network.chain",
            "/network/layers/1/weights",
            sidecar2(stored_network(stored_layer(0), stored_layer(1, model="x")), layer_sizes=[[3, 2], [3, 1]]),
            None,
        ),
        (
            "network.neuron-model",
            "/network/layers/1/neuron/model",
            sidecar2(stored_network(stored_layer(0, threshold=-1), stored_layer(1, model="x"))),
            None,
        ),
        (
            "network.threshold",
            "/network/layers/0/neuron/threshold",
            sidecar2(stored_network(stored_layer(0, threshold=-1), stored_layer(1))),
            None,
        ),
    ],
    SOUND2,
)
pairs.precedence(
    "order-places",
    "A place is checked before anything is opened, and the sidecar is read before the archive is looked for.",
    [
        ("json.syntax", "", b"{", None),
        ("checkpoint.object", "", [], None),
        ("archive.missing", "", sidecar(), None),
        ("archive.not-zip", "", sidecar(), b""),
    ],
    SOUND,
)
