"""Cases of simulate that are about steps, input and record: their rules, broken and just kept."""

from __future__ import annotations

from typing import Any

from cases import Cases, Patch, add, drop, put
from documents import constant, layer, network, poisson, simulation, spikes

simulate = Cases("simulate")
TABLES = [simulate]

MAX_INTEGER = 2**53 - 1
PAIR = network(layer([[1.0, 0.5]]))
"""Two inputs, one neuron."""
NONE = network(layer([]))
"""Any width, no neuron."""


def ask(stimulus: Any, whole: Any = PAIR, steps: Any = 2, **changes: Any) -> dict[str, Any]:
    """Run a network and record its counts."""
    return simulation(whole, steps, stimulus, "counts", **changes)


def reject(name: str, code: str, path: str, why: str, data: dict[str, Any], repair: Patch, tags: str = "") -> None:
    """Declare an input with one fault."""
    simulate.reject(f"simulate-{name}", code, path, why, data, repair, tags=tags)


def accept(name: str, near: Any, why: str, data: dict[str, Any], tags: str = "", **facts: Any) -> None:
    """Declare a sound input that nearly breaks these rules."""
    simulate.accept(f"simulate-near-{name}", why, data, near=near, tags=tags, facts=facts)


# --- simulate.steps

STEPS = [
    ("zero", 0, 1, "Zero steps have no readout."),
    ("negative", -1, 1, "A range over a negative number is empty in Python."),
    ("above-max", 1048577, 1, "One above 2^20: `<` for `<=`, or no limit, lets it run."),
    ("fraction", 2.0, 2, "2.0 is not an Integer."),
    ("true", True, 1, "True is 1 in Python."),
    ("string", "2", 2, "A string of digits is no Integer."),
    ("null", None, 1, "Null is no number of steps."),
    ("two-to-53", 2**53, 1, "2^53 is no Integer; as a number it is far too large."),
    ("two-to-32-plus-1", 2**32 + 1, 1, "Wraps to 1 in 32 bits."),
]
for name, bad, good, why in STEPS:
    data = ask(constant([1.0, 1.0]), steps=bad)
    reject(f"steps-{name}", "simulate.steps", "/steps", why, data, put("/steps", good), "boundary")

accept(
    "steps-one",
    "simulate.steps",
    "A single step is the smallest number of steps.",
    ask(constant([1.0, 0.0]), steps=1),
    "boundary",
    counts=[[1]],
)
accept(
    "steps-257",
    "simulate.steps",
    "A counter of eight bits wraps at 256.",
    ask(constant([1.0, 0.0]), steps=257),
    "boundary",
    counts=[[257]],
)
accept(
    "steps-66000",
    "simulate.steps",
    "A counter of sixteen bits wraps at 65,536.",
    ask(constant([1.0, 0.0]), steps=66000),
    "boundary",
    counts=[[66000]],
)
reject(
    "record-after-max-steps",
    "record.kind",
    "/record",
    "1,048,576 steps are allowed, so the record is at fault; nothing is simulated before the request is checked.",
    simulation(PAIR, 1048576, constant([1.0, 1.0]), record="counts"),
    put("/record", []) + put("/steps", 1),
    "boundary",
)

# --- input.kind

KINDS = [
    ("array", "", [1.0, 1.0], "The values alone are no input."),
    ("null", "", None, "Null is no input of zeros."),
    ("string", "", "constant", "The name of a kind alone is no input."),
    ("absent", "/kind", {"values": [1.0, 1.0]}, "The kind is not guessed from the members."),
    ("unknown", "/kind", {"kind": "rate", "values": [1.0, 1.0]}, "There are three kinds."),
    ("capital", "/kind", {"kind": "Constant", "values": [1.0, 1.0]}, "Words are compared with their case."),
    ("kind-null", "/kind", {"kind": None, "values": [1.0, 1.0]}, "Null is no default kind."),
    (
        "kind-list",
        "/kind",
        {"kind": ["constant"], "values": [1.0, 1.0]},
        "A list cannot be hashed and must not crash a table.",
    ),
]
for name, path, bad, why in KINDS:
    reject(f"input-{name}", "input.kind", f"/input{path}", why, ask(bad), put("/input", constant([1.0, 1.0])))

accept(
    "kind-last",
    "input.kind",
    "The kind stands after the values.",
    ask({"values": [1.0, 0.0], "kind": "constant"}),
    counts=[[2]],
)
accept(
    "kind-spikes",
    ("input.kind", "input.unknown-key"),
    "Spikes have indices and nothing else.",
    ask(spikes([[0], [0]])),
    counts=[[2]],
)
accept(
    "kind-poisson",
    ("input.kind", "input.unknown-key"),
    "Poisson has all four members.",
    ask(poisson([1.0, 0.0], 1, sample=0)),
    counts=[[2]],
)

# --- input.unknown-key

UNKNOWN = [
    ("seed-of-constant", "/seed", constant([1.0, 1.0]) | {"seed": 1}, "A constant input has no seed."),
    (
        "values-of-spikes",
        "/values",
        spikes([[], []]) | {"values": [1.0, 1.0]},
        "Two inputs in one: only the kind's own member is known.",
    ),
    ("values-of-poisson", "/values", poisson([1.0, 1.0], 1) | {"values": [1.0, 1.0]}, "A Poisson input has rates."),
    ("rates-of-constant", "/rates", constant([1.0, 1.0]) | {"rates": []}, "Rates mean nothing to a constant input."),
    (
        "misspelt-sample",
        "/sampel",
        poisson([1.0, 1.0], 1, sampel=3),
        "A misspelt sample that is ignored gives the spikes of sample 0.",
    ),
    ("steps-of-poisson", "/steps", poisson([1.0, 1.0], 1, steps=2), "steps is a member of the request."),
    ("escapes", "/~1~0", constant([1.0, 1.0]) | {"/~": 0}, "In a pointer '/' is ~1 and '~' is ~0."),
]
for name, path, bad, why in UNKNOWN:
    reject(f"input-unknown-{name}", "input.unknown-key", f"/input{path}", why, ask(bad), drop(f"/input{path}"))

# --- input.seed and input.sample

SEEDS = [
    ("negative", -1, 0, "As an unsigned integer -1 is a fine seed."),
    ("two-to-53", 2**53, MAX_INTEGER, "2^53 is no Integer."),
    ("fraction", 1.0, 1, "1.0 is not an Integer."),
    ("true", True, 1, "True is 1 in Python."),
    ("string", "1", 1, "A string of digits is no Integer."),
    ("null", None, 1, "Null asks for a random seed in NumPy."),
]
for name, bad, good, why in SEEDS:
    data = ask(poisson([0.5, 0.5], bad))
    reject(f"seed-{name}", "input.seed", "/input/seed", why, data, put("/input/seed", good), "poisson")
reject(
    "seed-absent",
    "input.seed",
    "/input/seed",
    "Without a seed there is no default: a run that cannot be repeated is no conformance.",
    ask({"kind": "poisson", "rates": [0.5, 0.5]}),
    add("/input/seed", 0),
    "poisson",
)
SAMPLES = [
    ("negative", -1, 0, "As an unsigned integer -1 is a fine number."),
    ("two-to-53", 2**53, MAX_INTEGER, "2^53 is no Integer."),
    ("fraction", 0.0, 0, "0.0 is not an Integer."),
    ("string", "0", 0, "A string of digits is no Integer."),
    ("true", True, 1, "True is 1 in Python."),
]
for name, bad, good, why in SAMPLES:
    data = ask(poisson([0.5, 0.5], 1, sample=bad))
    reject(f"sample-{name}", "input.sample", "/input/sample", why, data, put("/input/sample", good), "poisson")
reject(
    "sample-null",
    "input.sample",
    "/input/sample",
    "Null is a value of the wrong type, not absence.",
    ask(poisson([0.5, 0.5], 1, sample=None)),
    drop("/input/sample"),
    "poisson",
)
reject(
    "sample-last-of-batch",
    "input.sample",
    "/input/sample",
    "The number of the first row is allowed, that of the second is 2^53.",
    ask(poisson([[0.5, 0.5], [0.5, 0.5]], 1, sample=MAX_INTEGER)),
    put("/input/sample", MAX_INTEGER - 1),
    "poisson batch boundary",
)
reject(
    "sample-last-of-batch-of-four",
    "input.sample",
    "/input/sample",
    "One row too many: the last has the number sample + 3.",
    ask(poisson([[0.5, 0.5]] * 4, 1, sample=MAX_INTEGER - 2)),
    drop("/input/rates/3"),
    "poisson batch boundary",
)
accept("seed-zero", "input.seed", "Seed 0 is falsy, and a seed.", ask(poisson([1.0, 0.0], 0)), "poisson", counts=[[2]])
accept(
    "seed-max",
    "input.seed",
    "2^53-1 is the largest seed.",
    ask(poisson([1.0, 0.0], MAX_INTEGER)),
    "poisson boundary",
    counts=[[2]],
)
accept(
    "sample-max",
    "input.sample",
    "2^53-1 is the largest sample number.",
    ask(poisson([0.5, 0.5], 1, sample=MAX_INTEGER)),
    "poisson boundary",
)
accept(
    "sample-max-batch-of-one",
    "input.sample",
    "A batch of one ends with the number that it begins with.",
    ask(poisson([[0.5, 0.5]], 1, sample=MAX_INTEGER)),
    "poisson batch boundary",
)
accept(
    "sample-max-minus-1-batch-of-two",
    "input.sample",
    "The second row has the number 2^53-1.",
    ask(poisson([[0.5, 0.5]] * 2, 1, sample=MAX_INTEGER - 1)),
    "poisson batch boundary",
)

# --- input.shape

SHAPES: list[tuple[str, str, str, Any, Patch]] = [
    (
        "values-absent",
        "/values",
        "The member that is not there is named.",
        {"kind": "constant"},
        add("/input/values", [1.0, 1.0]),
    ),
    ("values-null", "/values", "Null is no array.", constant(None), put("/input/values", [1.0, 1.0])),
    ("values-number", "/values", "One value is not broadcast.", constant(1.0), put("/input/values", [1.0, 1.0])),
    (
        "values-short",
        "/values",
        "One value for two inputs: NumPy broadcasts it.",
        constant([1.0]),
        add("/input/values/1", 1.0),
    ),
    (
        "values-long",
        "/values",
        "Three values for two inputs: zip() drops one.",
        constant([1.0, 1.0, 1.0]),
        drop("/input/values/2"),
    ),
    (
        "values-none",
        "/values",
        "`[]` is one sample of width 0, not a batch of no samples.",
        constant([]),
        put("/input/values", [1.0, 1.0]),
    ),
    (
        "values-entry-null",
        "/values/1",
        "The entry is named, not the list.",
        constant([1.0, None]),
        put("/input/values/1", 1.0),
    ),
    (
        "values-entry-string",
        "/values/0",
        "A numeric string is no Number.",
        constant(["1", 1.0]),
        put("/input/values/0", 1.0),
    ),
    ("values-entry-true", "/values/0", "True is 1.0 in an array.", constant([True, 1.0]), put("/input/values/0", 1.0)),
    (
        "values-mixed",
        "/values/1",
        "Element 0 is a number, so there is no batch, and an array is no Number.",
        constant([1.0, [1.0]]),
        put("/input/values/1", 1.0),
    ),
    (
        "row-no-array",
        "/values/1",
        "Element 0 is an array, so there is a batch, and a number is no row.",
        constant([[1.0, 1.0], 1.0]),
        put("/input/values/1", [1.0, 1.0]),
    ),
    ("row-null", "/values/2", "Null is no row.", constant([[1.0, 1.0], [0.0, 0.0], None]), drop("/input/values/2")),
    (
        "row-short",
        "/values/1",
        "A ragged batch: the row is named.",
        constant([[1.0, 1.0], [1.0]]),
        add("/input/values/1/1", 1.0),
    ),
    (
        "row-empty",
        "/values/0",
        "A batch of one empty row where two values are due.",
        constant([[]]),
        put("/input/values/0", [1.0, 1.0]),
    ),
    (
        "row-entry",
        "/values/1/0",
        "The entry of the row is named.",
        constant([[1.0, 1.0], [False, 1.0]]),
        put("/input/values/1/0", 0.0),
    ),
    (
        "row-cube",
        "/values/0/0",
        "Three levels: what should be a value is an array.",
        constant([[[1.0, 1.0]]]),
        put("/input/values/0", [1.0, 1.0]),
    ),
    (
        "rates-absent",
        "/rates",
        "The member that is not there is named.",
        {"kind": "poisson", "seed": 1},
        add("/input/rates", [0.5, 0.5]),
    ),
    ("rates-short", "/rates", "One rate is not for all inputs.", poisson([0.5], 1), add("/input/rates/1", 0.5)),
    (
        "rates-row-long",
        "/rates/0",
        "The row of the batch is named.",
        poisson([[0.5, 0.5, 0.5]], 1),
        drop("/input/rates/0/2"),
    ),
    ("rates-entry", "/rates/1", "A numeric string is no Number.", poisson([0.5, "0.5"], 1), put("/input/rates/1", 0.5)),
    ("rates-object", "/rates", "An object is no array.", poisson({"0": 0.5}, 1), put("/input/rates", [0.5, 0.5])),
    (
        "indices-absent",
        "/indices",
        "The member that is not there is named.",
        {"kind": "spikes"},
        add("/input/indices", [[], []]),
    ),
    ("indices-null", "/indices", "Null is no array.", spikes(None), put("/input/indices", [[], []])),
    (
        "indices-few-steps",
        "/indices",
        "One list for two steps: the missing step is not silence.",
        spikes([[0]]),
        add("/input/indices/1", []),
    ),
    (
        "indices-many-steps",
        "/indices",
        "Three lists for two steps: the third is not ignored.",
        spikes([[0], [1], []]),
        drop("/input/indices/2"),
    ),
    ("indices-no-steps", "/indices", "`[]` is one sample of no steps.", spikes([]), put("/input/indices", [[], []])),
    (
        "indices-flat",
        "/indices/0",
        "A step is a list, not an index.",
        spikes([0, 1]),
        put("/input/indices", [[0], [1]]),
    ),
    ("indices-step-null", "/indices/1", "Null is no empty step.", spikes([[0], None]), put("/input/indices/1", [])),
    (
        "indices-sample-steps",
        "/indices/1",
        "In a batch the sample is named.",
        spikes([[[0], []], [[0]]]),
        add("/input/indices/1/1", []),
    ),
    (
        "indices-sample-no-array",
        "/indices/1",
        "The first sample makes it a batch; the second is no array.",
        spikes([[[0], []], 0]),
        put("/input/indices/1", [[], [0]]),
    ),
    (
        "indices-step-in-batch",
        "/indices/1/0",
        "The step of the sample is named.",
        spikes([[[0], []], [1, []]]),
        put("/input/indices/1/0", [1]),
    ),
]
for name, path, why, bad, repair in SHAPES:
    tags = "batch" if "row" in name or "sample" in name or "batch" in name else ""
    reject(f"shape-{name}", "input.shape", f"/input{path}", why, ask(bad), repair, tags)
reject(
    "shape-width-of-row-0",
    "input.shape",
    "/input/values/1",
    "The first layer takes any width, and row 0 has two: row 1 must have as many.",
    ask(constant([[1.0, 1.0], [1.0]]), NONE),
    add("/input/values/1/1", 1.0),
    "batch",
)
reject(
    "shape-wide-for-zero-wide",
    "input.shape",
    "/input/values",
    "`[[]]` has one output and no input, so no value may come.",
    ask(constant([1.0]), network(layer([[]]))),
    drop("/input/values/0"),
)

accept("values-integers", "input.shape", "Integers are Numbers.", ask(constant([1, 0])), counts=[[2]])
accept(
    "values-batch-of-one",
    "input.shape",
    "A batch of one: the answer has a sample axis of length 1.",
    ask(constant([[1.0, 0.0]])),
    "batch",
    counts=[[[2]]],
    readout=[[2]],
)
accept(
    "values-no-width",
    "input.shape",
    "`[]` is one sample of width 0, and the answer has no sample axis.",
    ask(constant([]), network(layer([[]], bias=[1.0]))),
    counts=[[2]],
)
accept(
    "values-batch-no-width",
    "input.shape",
    "Two samples of width 0: a batch although no number is in it.",
    ask(constant([[], []]), network(layer([[]], bias=[1.0]))),
    "batch",
    readout=[[2], [2]],
)
accept(
    "values-any-width",
    ("input.shape", "network.weight-rank"),
    "A first layer `[]` takes any width.",
    ask(constant([1.0, 2.0, 3.0]), NONE),
    readout=[],
)
accept(
    "values-batch-any-width",
    "input.shape",
    "Rows of one width each, whatever it is.",
    ask(constant([[1.0], [2.0]]), NONE),
    "batch",
    readout=[[], []],
)
accept(
    "rates-no-width",
    "input.shape",
    "No rate at all.",
    ask(poisson([], 1), network(layer([[]], bias=[0.5]))),
    "poisson",
    counts=[[1]],
)
accept("indices-all-empty", "input.shape", "Silence is a list of empty steps.", ask(spikes([[], []])), counts=[[0]])
accept(
    "indices-batch-first-empty",
    "input.shape",
    "indices[0][0] is an empty array, which is enough for a batch.",
    ask(spikes([[[], []], [[0], [0]]])),
    "batch",
    counts=[[[0]], [[2]]],
)
accept(
    "indices-one-empty-step",
    "input.shape",
    "`[[]]` is one sample of one empty step: indices[0] has no element 0, so there is no batch.",
    ask(spikes([[]]), steps=1),
    counts=[[0]],
)
accept(
    "indices-batch-one-empty-step",
    "input.shape",
    "`[[[]]]` is a batch of one sample of one empty step.",
    ask(spikes([[[]]]), steps=1),
    "batch",
    counts=[[[0]]],
)

# --- input.indices

INDICES = [
    ("negative", "/1/0", [[0], [-1]], [[0], [1]], "-1 is the last input in Python."),
    ("width", "/0/1", [[0, 2], []], [[0, 1], []], "The last index is the width less 1; one more reads past the end."),
    ("twice", "/0/1", [[0, 0], []], [[0], []], "An input fires at most once per step; adding twice counts double."),
    ("descending", "/1/1", [[], [1, 0]], [[], [0, 1]], "Indices ascend, for the order of the sum is theirs."),
    ("fraction", "/0/0", [[1.0], []], [[1], []], "1.0 is not an Integer."),
    ("true", "/0/0", [[True], []], [[1], []], "True is 1 in Python."),
    ("string", "/1/0", [[], ["0"]], [[], [0]], "A string of digits is no Integer."),
    ("null", "/0/0", [[None], []], [[0], []], "Null is no index."),
    (
        "array-not-first",
        "/1/0",
        [[], [[0]]],
        [[], [0]],
        "indices[0][0] is no array, so there is no batch, and an array is no Integer.",
    ),
    ("two-to-32", "/0/0", [[4294967296], []], [[0], []], "2^32 wraps to 0."),
]
for name, path, bad, good, why in INDICES:
    data = ask(spikes(bad))
    reject(f"index-{name}", "input.indices", f"/input/indices{path}", why, data, put("/input/indices", good))
reject(
    "index-in-batch",
    "input.indices",
    "/input/indices/1/0/1",
    "In a batch the path names sample, step and place.",
    ask(spikes([[[0], [1]], [[1, 1], []]])),
    drop("/input/indices/1/0/1"),
    "batch",
)
reject(
    "index-two-to-53",
    "input.indices",
    "/input/indices/0/1",
    "Any Integer from 0 is an index where the first layer is `[]`, but 2^53 is no Integer.",
    ask(spikes([[0, 2**53], []]), NONE),
    put("/input/indices/0/1", MAX_INTEGER),
    "boundary",
)
reject(
    "index-for-zero-wide",
    "input.indices",
    "/input/indices/0/0",
    "`[[]]` has no input, so no index is in range, not even 0.",
    ask(spikes([[0], []]), network(layer([[]]))),
    drop("/input/indices/0/0"),
)
accept(
    "index-last",
    "input.indices",
    "The highest index is the width less 1.",
    ask(spikes([[1], [0, 1]])),
    "boundary",
    counts=[[1]],
)
accept(
    "index-again-next-step",
    "input.indices",
    "Ascending within a step only: the next one begins anew.",
    ask(spikes([[1], [0]])),
    counts=[[1]],
)
accept(
    "index-max-integer",
    "input.indices",
    "With no neuron any width is due: 2^53-1 is an index, and nothing may be allocated by it.",
    ask(spikes([[0, MAX_INTEGER], []]), NONE),
    "boundary",
    readout=[],
)

# --- input.range

RANGES = [
    (
        "value-nan",
        "/values/1",
        constant([1.0, "NaN"]),
        1.0,
        "The string NaN is a Number, so it has the due shape, and is not finite.",
    ),
    (
        "value-infinity",
        "/values/0",
        constant(["Infinity", 1.0]),
        1.0,
        "An infinite value makes an infinite current, but is rejected before.",
    ),
    ("value-minus-infinity", "/values/0", constant(["-Infinity", 1.0]), -1.0, "Minus infinity would never fire."),
    ("value-in-batch", "/values/1/1", constant([[1.0, 1.0], [1.0, "NaN"]]), 0.0, "The entry of the row is named."),
    (
        "rate-above-one",
        "/rates/0",
        poisson([1.0000000000000002, 0.5], 1),
        1.0,
        "One ulp above 1: single precision sees 1.",
    ),
    (
        "rate-negative",
        "/rates/1",
        poisson([0.5, -5e-324], 1),
        -0.0,
        "The negative number nearest to 0: flush-to-zero sees -0.0, which is allowed.",
    ),
    ("rate-nan", "/rates/0", poisson(["NaN", 0.5], 1), 0.5, "NaN is neither below 0 nor above 1."),
    ("rate-infinity", "/rates/0", poisson(["Infinity", 0.5], 1), 1.0, "Infinity would always fire."),
    (
        "rate-in-batch",
        "/rates/1/0",
        poisson([[0.5, 0.5], [2, 0.5]], 1),
        1,
        "The entry of the row is named; a rate is not clipped.",
    ),
]
for name, path, bad, good, why in RANGES:
    reject(
        f"range-{name}",
        "input.range",
        f"/input{path}",
        why,
        ask(bad),
        put(f"/input{path}", good),
        "batch" if "batch" in name else "",
    )
reject(
    "range-unused-value",
    "input.range",
    "/input/values/1",
    "No neuron reads the value, and it is rejected all the same.",
    ask(constant([1.0, "NaN"]), NONE),
    put("/input/values/1", 1.0),
)
reject(
    "range-value-times-zero",
    "input.range",
    "/input/values/1",
    "Its weight is 0: a kernel that skips zero weights never meets the infinity.",
    ask(constant([1.0, "Infinity"]), network(layer([[1.0, 0.0]]))),
    put("/input/values/1", 1.0),
)
accept(
    "value-max",
    "input.range",
    "The largest finite value, with a weight that keeps its product finite.",
    ask(constant([1.7976931348623157e308, -1.7976931348623157e308]), network(layer([[0.5, 0.5]]))),
    "overflow boundary",
    counts=[[0]],
)
accept(
    "value-subnormal",
    "input.range",
    "The smallest subnormal value is finite.",
    ask(constant([5e-324, 0.0])),
    "subnormal boundary",
    counts=[[0]],
)
accept(
    "value-minus-zero",
    "input.range",
    "-0.0 is finite, and the same as no input.",
    ask(constant([-0.0, -0.0])),
    "negative-zero",
    counts=[[0]],
)
accept("value-above-one", "input.range", "Only rates are held to [0, 1].", ask(constant([2.5, -0.5])), counts=[[2]])
accept(
    "rate-one-and-zero",
    "input.range",
    "0 and 1 are within the range.",
    ask(poisson([1.0, 0.0], 9)),
    "poisson boundary",
    counts=[[2]],
)
accept(
    "rate-minus-zero",
    "input.range",
    "-0.0 is not below 0, and never fires.",
    ask(poisson([-0.0, -0.0], 9)),
    "poisson negative-zero",
    counts=[[0]],
)
accept(
    "rate-one-minus-2-53",
    "input.range",
    "The largest rate below 1.",
    ask(poisson([0.9999999999999999, 5e-324], 9)),
    "poisson ulp",
    counts=[[2]],
)

# --- record.kind

RECORDS = [
    ("string", "", "counts", ["counts"], "A word alone is no list; a string iterates as letters."),
    ("null", "", None, [], "Null is a value of the wrong type; the default must not step in."),
    ("object", "", {"counts": True}, ["counts"], "An object's keys are words, but it is no list."),
    ("true", "", True, ["counts"], "True does not mean everything."),
    ("unknown", "/0", ["count"], ["counts"], "The entry is named."),
    ("unknown-second", "/1", ["counts", "voltage"], ["counts"], "An unknown word after a known one."),
    ("readout", "/0", ["readout"], [], "The readout is always there, and no word of a record."),
    ("capital", "/0", ["Counts"], ["counts"], "Words are compared with their case."),
    ("number", "/1", ["counts", 1], ["counts"], "A number is no word."),
    ("nested", "/0", [["counts"]], ["counts"], "A list cannot be hashed and must not crash a set."),
]
for name, path, bad, good, why in RECORDS:
    data = simulation(PAIR, 2, constant([1.0, 1.0]), record=bad)
    reject(f"record-{name}", "record.kind", f"/record{path}", why, data, put("/record", good))
accept(
    "record-none",
    "record.kind",
    "An empty list: the readout alone.",
    simulation(PAIR, 2, constant([1.0, 0.0]), record=[]),
    readout=[2],
)
accept("record-absent", "record.kind", "Absent is as empty.", simulation(PAIR, 2, constant([1.0, 0.0])), readout=[2])
accept(
    "record-repeats",
    "record.kind",
    "A word twice is harmless and answered once.",
    simulation(PAIR, 2, constant([1.0, 0.0]), "counts", "potential", "counts"),
    counts=[[2]],
)
accept(
    "record-all",
    "record.kind",
    "All four words, in an order of their own.",
    simulation(PAIR, 2, constant([1.0, 0.0]), "trace", "potential", "spikes", "counts"),
    counts=[[2]],
    spikes=[[[0], [0]]],
)
accept(
    "profile-written-out",
    "record.kind",
    "The default profile, written out, changes nothing.",
    simulation(PAIR, 2, constant([1.0, 0.0]), "counts", profile="sequential-f64"),
    counts=[[2]],
)
