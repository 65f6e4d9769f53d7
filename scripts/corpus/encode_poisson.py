"""Cases of encode.poisson: the Philox stream, its counters and keys, and the comparison that makes a spike."""

from __future__ import annotations

from typing import Any

from cases import Cases, drop, put
from philox import MASK, firing, silent, word

encode = Cases("encode.poisson")
TABLES = [encode]

MAX = 2**53 - 1
RANDOM123 = "Salmon et al. 2011, Random123 kat_vectors (philox4x32 10, zeros)"
PYTORCH = "PyTorch, aten/src/ATen/test/cpu_generator_test.cpp, TestPhiloxDeterministic"
ZEROS = (0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8)
"""Random123's words for counter and key zero."""


def ask(rates: list[Any], seed: Any = 0, steps: Any = 1, **sample: Any) -> dict[str, Any]:
    """The input of encode.poisson."""
    return {"rates": rates, "seed": seed, "steps": steps} | sample


def trains(rates: list[Any], seed: int = 0, steps: int = 1, sample: int = 0) -> list[list[int]]:
    """The due spikes, worked out by this folder's own Philox."""
    return [
        [i for i, rate in enumerate(rates) if word(seed, sample, step, i) < rate * 2.0**32] for step in range(steps)
    ]


def accept(name: str, why: str, data: dict[str, Any], near: Any = (), tags: str = "", source: str = "oracle") -> None:
    """Declare an accepted input; the oracle must agree with this folder's own Philox."""
    facts = {"spikes": trains(**data)}
    encode.accept(f"encode-{name}", why, data, near=near, facts=facts, tags=f"philox {tags}".strip(), source=source)


# --- published vectors, and the comparison at a word's very edge

accept(
    "kat-zeros-silent",
    "Rates of exactly word/2^32 do not fire: the comparison is `<`, and `<=` fires all four.",
    ask([silent(w) for w in ZEROS]),
    tags="boundary",
    source=RANDOM123,
)
accept(
    "kat-zeros-firing",
    "Rates one 2^-32 higher all fire: a word cut to 24 or 31 bits, or another word order, misses some.",
    ask([firing(w) for w in ZEROS]),
    tags="boundary",
    source=RANDOM123,
)
accept(
    "kat-zeros-words-0-and-2",
    "Only words 0 and 2 are below their rates: words taken in reverse or in pairs swapped give other indices.",
    ask([firing(ZEROS[0]), silent(ZEROS[1]), firing(ZEROS[2]), silent(ZEROS[3])]),
    tags="boundary",
    source=RANDOM123,
)
accept(
    "kat-step-4",
    "The step is the lowest counter word: at step 4 the published words 4013802324 and 2979262830 decide.",
    ask([firing(4013802324), firing(2979262830)], 0, 5),
    tags="boundary",
    source=PYTORCH,
)
accept(
    "kat-step-4-silent",
    "At step 4 neither input may fire, as its rate is exactly the published word.",
    ask([silent(4013802324), silent(2979262830)], 0, 5),
    tags="boundary",
    source=PYTORCH,
)
accept(
    "kat-seed-10-step-1",
    "Seed 10 in the lower key word: at step 1 the published word 2007330488 fires, 2354548925 does not.",
    ask([firing(2007330488), silent(2354548925)], 10, 2),
    tags="boundary",
    source=PYTORCH,
)
for ulps, name in ((-1, "below"), (1, "above")):
    edge = silent(ZEROS[0])
    accept(
        f"kat-zeros-one-ulp-{name}",
        f"One ulp {name} word/2^32 the input {'stays silent' if ulps < 0 else 'fires'}: single precision sees no ulp.",
        ask([edge + ulps * 2.0**-54]),
        tags="boundary ulp",
        source=RANDOM123,
    )

# --- rates at the ends: words of 0 and of 2^32-1 do occur

LOWEST = {"seed": 1343428, "index": 3}
HIGHEST = {"seed": 454088803, "index": 1}
"""Seeds whose step 0 has the word 0, and the word 2^32-1, at this index (found by search)."""


def at(place: dict[str, int], rate: float) -> dict[str, Any]:
    """Ask for one step in which only the input at the place has a rate."""
    return ask([0.0] * place["index"] + [rate], place["seed"])


accept(
    "rate-zero-word-zero",
    "The word is 0 and the rate 0: `<=` fires, `<` does not.",
    at(LOWEST, 0.0),
    "input.range",
    "boundary",
)
accept(
    "rate-minus-zero-word-zero",
    "-0.0 is a rate, equal to 0, and never fires.",
    at(LOWEST, -0.0),
    "input.range",
    "boundary negative-zero",
)
accept(
    "rate-min-subnormal-word-zero",
    "The word is 0, so the smallest rate above 0 fires: flush-to-zero, or a word scaled up by a half, does not.",
    at(LOWEST, 5e-324),
    "input.range",
    "boundary subnormal",
)
accept(
    "rate-two-to-minus-32-word-zero",
    "2^-32 is the lowest rate that is a multiple of a word.",
    at(LOWEST, 2.0**-32),
    (),
    "boundary",
)
accept(
    "rate-one-word-max",
    "The word is 2^32-1 and the rate 1 always fires: in single precision the word becomes 2^32 and does not.",
    at(HIGHEST, 1.0),
    "input.range",
    "boundary",
)
accept(
    "rate-one-minus-2-53-word-max",
    "1-2^-53 times 2^32 is still above the highest word; rounded to single precision it is 1, which happens to agree.",
    at(HIGHEST, 1.0 - 2.0**-53),
    "input.range",
    "boundary ulp",
)
accept(
    "rate-just-silent-word-max",
    "(2^32-1)/2^32 is exactly the highest word, which is not below itself.",
    at(HIGHEST, silent(MASK)),
    (),
    "boundary",
)
accept("rates-zero", "Rate 0 never fires.", ask([0.0] * 8, 3, 6), "input.range")
accept("rates-one", "Rate 1 always fires.", ask([1.0] * 8, 3, 6), "input.range")
accept("rates-integers", "0 and 1 without a point are Numbers.", ask([1, 0, 1, 0, 1], 3, 2), "input.shape")

# --- the key and the counter, word by word

ROW = [0.5] * 8
SEEDS = [
    ("one", 1, "Seed 1 is the lower key word 1; seed 2^32 is the upper one."),
    (
        "two-to-32-minus-1",
        2**32 - 1,
        "The largest seed whose upper key word is 0; as a signed 32-bit integer it is -1.",
    ),
    ("two-to-32", 2**32, "Key (0, 1): halves swapped give the stream of seed 1, cut to 32 bits that of seed 0."),
    ("two-to-32-plus-1", 2**32 + 1, "Key (1, 1): cut to 32 bits it is seed 1."),
    ("max", MAX, "2^53-1: a seed that passed through single precision or 32 bits is another one."),
    ("max-minus-1", MAX - 1, "2^53-2 and its neighbour must not share a stream."),
]
for name, seed, why in SEEDS:
    accept(f"seed-{name}", why, ask(ROW, seed, 8), ("input.seed",), "boundary")
accept(
    "seed-zero",
    "Seed 0 is a seed like any other, not a wish for a random one.",
    ask(ROW, 0, 8),
    "input.seed",
    "boundary",
)

SAMPLES = [
    ("zero", 0, "The default, written out."),
    ("one", 1, "Counter word 2, not word 3 and not the seed."),
    ("two-to-32-minus-1", 2**32 - 1, "The largest sample number whose upper counter word is 0."),
    ("two-to-32", 2**32, "Counter words (0, 1): halves swapped give sample 1, cut to 32 bits sample 0."),
    ("max", MAX, "2^53-1 is the largest sample number; nothing may add 1 to it."),
    ("two-to-32-plus-5", 2**32 + 5, "Both counter words are set."),
]
for name, number, why in SAMPLES:
    accept(f"sample-{name}", why, ask(ROW, 7, 8, sample=number), ("input.sample",), "boundary")
accept(
    "sample-absent",
    "Without the member the sample number is 0: the answer is that of encode-sample-zero.",
    ask(ROW, 7, 8),
    "input.sample",
)
accept(
    "step-against-index",
    "Nine steps of 36 inputs: with step and block swapped in the counter the raster is transposed in blocks of four.",
    ask([0.5] * 36, 11, 9),
)
accept(
    "index-div-4",
    "Inputs 0 to 3 share a block, 4 begins the next: `index mod 4` for the block repeats the first four for ever.",
    ask([0.3] * 12, 12, 5),
)
accept(
    "rates-mixed", "Each input is held against its own rate.", ask([i / 16 for i in range(17)], 13, 6), "input.range"
)
for width in (1, 2, 3, 4, 5, 7, 9, 13, 15, 16, 17, 31, 33, 64, 100):
    accept(
        f"width-{width}",
        f"{width} inputs: the tail of the last block of four, or of a vector of 8 or 16, is easily lost or doubled.",
        ask([0.25 + i / (2 * width) for i in range(width)], 1000 + width, 3),
    )
accept("long", "1,000 steps of one input: the step must not wrap at 256.", ask([0.125], 21, 1000), "simulate.steps")
accept(
    "one-step", "A single step is the smallest number of steps.", ask([0.5] * 5, 22, 1), "simulate.steps", "boundary"
)
accept("no-inputs", "No input at all: every step is an empty list, but it is there.", ask([], 5, 3), "input.shape")
accept(
    "no-inputs-one-step",
    "Not an empty list of steps, but one step with an empty list.",
    ask([], 5, 1),
    ("input.shape", "simulate.steps"),
)
encode.accept(
    "encode-steps-66000",
    "66,000 steps: a counter of sixteen bits wraps at 65,536.",
    ask([], 5, 66000),
    near="simulate.steps",
    facts={"spikes": [[]] * 66000},
    tags="philox boundary",
)
encode.reject(
    "encode-rate-after-max-steps",
    "input.range",
    "/rates/0",
    "1,048,576 steps are allowed, so the rate is at fault.",
    ask([2.0], 5, 1048576),
    put("/rates/0", 1.0) + put("/steps", 1),
    tags="boundary",
)

# --- rejects

FAULTS = [
    ("steps-zero", "simulate.steps", "/steps", {"steps": 0}, 1, "Zero steps have no answer."),
    (
        "steps-negative",
        "simulate.steps",
        "/steps",
        {"steps": -1},
        1,
        "A range over a negative number is empty in Python.",
    ),
    ("steps-above-max", "simulate.steps", "/steps", {"steps": 1048577}, 1, "One above 2^20."),
    ("steps-fraction", "simulate.steps", "/steps", {"steps": 2.0}, 2, "2.0 is not an Integer."),
    ("steps-true", "simulate.steps", "/steps", {"steps": True}, 1, "True is 1 in Python."),
    ("steps-null", "simulate.steps", "/steps", {"steps": None}, 1, "Null is no number of steps."),
    ("seed-negative", "input.seed", "/seed", {"seed": -1}, 0, "As an unsigned integer -1 is a fine seed."),
    ("seed-two-to-53", "input.seed", "/seed", {"seed": 2**53}, MAX, "2^53 is no Integer."),
    ("seed-fraction", "input.seed", "/seed", {"seed": 7.0}, 7, "7.0 is not an Integer."),
    ("seed-string", "input.seed", "/seed", {"seed": "7"}, 7, "Large seeds travel as strings elsewhere, not here."),
    ("seed-null", "input.seed", "/seed", {"seed": None}, 0, "Null asks for a random seed in NumPy."),
    ("seed-true", "input.seed", "/seed", {"seed": True}, 1, "True is 1 in Python."),
    ("sample-negative", "input.sample", "/sample", {"sample": -1}, 0, "As an unsigned integer -1 is a fine number."),
    ("sample-two-to-53", "input.sample", "/sample", {"sample": 2**53}, MAX, "2^53 is no Integer."),
    ("sample-fraction", "input.sample", "/sample", {"sample": 0.0}, 0, "0.0 is not an Integer."),
    ("sample-null", "input.sample", "/sample", {"sample": None}, 0, "Null is a value of the wrong type, not absence."),
    ("rates-number", "input.shape", "/rates", {"rates": 0.5}, [0.5], "One rate is not broadcast."),
    ("rates-object", "input.shape", "/rates", {"rates": {}}, [], "An object is no list."),
    ("rates-null", "input.shape", "/rates", {"rates": None}, [], "Null is no empty list."),
    ("rates-string", "input.shape", "/rates/1", {"rates": [0.5, "0.5"]}, [0.5, 0.5], "A numeric string is no Number."),
    ("rates-true", "input.shape", "/rates/0", {"rates": [True]}, [1], "True is 1 in Python, and a valid rate."),
    (
        "rates-batch",
        "input.shape",
        "/rates/0",
        {"rates": [[0.5]]},
        [0.5],
        "Only simulate takes a batch: here an array is no Number.",
    ),
    ("rates-entry-null", "input.shape", "/rates/2", {"rates": [0, 1, None]}, [0, 1, 0], "Null is no rate 0."),
    (
        "rate-above-one",
        "input.range",
        "/rates/1",
        {"rates": [0.5, 1.0000000000000002]},
        [0.5, 1.0],
        "One ulp above 1: single precision sees 1.",
    ),
    (
        "rate-negative",
        "input.range",
        "/rates/0",
        {"rates": [-5e-324]},
        [-0.0],
        "The negative number nearest to 0: flush-to-zero sees -0.0, which is allowed.",
    ),
    ("rate-nan", "input.range", "/rates/0", {"rates": ["NaN"]}, [0.0], "NaN is neither below 0 nor above 1."),
    ("rate-infinity", "input.range", "/rates/0", {"rates": ["Infinity"]}, [1.0], "Infinity would always fire."),
    (
        "rate-minus-infinity",
        "input.range",
        "/rates/0",
        {"rates": ["-Infinity"]},
        [0.0],
        "Minus infinity would never fire.",
    ),
    (
        "rate-percent",
        "input.range",
        "/rates/2",
        {"rates": [0, 1, 50]},
        [0, 1, 0.5],
        "A rate is no percentage and is not clipped.",
    ),
]
for name, code, path, changes, good, why in FAULTS:
    member = next(iter(changes))
    patch = put(f"/{member}", good)
    encode.reject(f"encode-{name}", code, path, why, ask([0.5], 7, 2) | changes, patch)

# --- which of two faults

encode.precedence(
    "encode-steps-before-seed",
    "The seed stands first.",
    {"seed": -1, "steps": 0, "rates": [0.5]},
    [("simulate.steps", "/steps", put("/steps", 1)), ("input.seed", "/seed", put("/seed", 1))],
)
encode.precedence(
    "encode-seed-before-sample",
    "The sample stands first.",
    {"sample": -1, "seed": "x", "steps": 1, "rates": [0.5]},
    [("input.seed", "/seed", put("/seed", 1)), ("input.sample", "/sample", put("/sample", 1))],
)
encode.precedence(
    "encode-sample-before-shape",
    "The rates stand first.",
    {"rates": [[0.5]], "sample": 1.5, "seed": 1, "steps": 1},
    [("input.sample", "/sample", drop("/sample")), ("input.shape", "/rates/0", put("/rates/0", 0.5))],
)
encode.precedence(
    "encode-shape-before-range",
    "The rate out of range is at 0, the entry of the wrong type at 1: all types before any range.",
    ask([1.5, None]),
    [("input.shape", "/rates/1", put("/rates/1", 0.5)), ("input.range", "/rates/0", put("/rates/0", 0.5))],
)
encode.precedence(
    "encode-steps-before-range",
    "Far apart in the table, and the rates stand first.",
    ask(["NaN"], 0, 2.0),
    [("simulate.steps", "/steps", put("/steps", 2)), ("input.range", "/rates/0", put("/rates/0", 0.5))],
)
encode.precedence(
    "encode-two-rates-out-of-range",
    "The lowest index, not the worst rate.",
    ask([0.5, -0.5, "NaN"]),
    [("input.range", "/rates/1", put("/rates/1", 0.5)), ("input.range", "/rates/2", put("/rates/2", 0.5))],
)
encode.precedence(
    "encode-two-wrong-entries",
    "The lowest index.",
    ask([0.5, "a", None]),
    [("input.shape", "/rates/1", put("/rates/1", 0.5)), ("input.shape", "/rates/2", put("/rates/2", 0.5))],
)
