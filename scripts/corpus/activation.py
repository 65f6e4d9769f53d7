"""Cases of `activation.qcfs`."""

from __future__ import annotations

from typing import Any

from cases import Cases, Patch, put

qcfs = Cases("activation.qcfs")
TABLES = [qcfs]

MAX = 1.7976931348623157e308
TINY = 5e-324


def ask(x: Any, theta: Any = 1.0, steps: Any = 4) -> dict[str, Any]:
    """An input of the operation."""
    return {"x": x, "theta": theta, "T": steps}


# --- values: (name, why, input, rules nearly broken)

VALUES: list[tuple[str, str, dict[str, Any], tuple[str, ...]]] = [
    ("levels", "Each level from 0 to theta.", ask([0.0, 0.25, 0.5, 0.75, 1.0]), ()),
    (
        "rounds-half-up",
        "floor(z + 0.5) takes the half up, unlike rounding to even.",
        ask([0.125, 0.375, 0.625, 0.875]),
        (),
    ),
    (
        "just-below-half",
        "Just below the half the level below is right, if z + 0.5 is not rounded up to it.",
        ask([0.12499999999999999, 0.37499999999999994, 0.6249999999999999, 0.8749999999999999]),
        (),
    ),
    (
        "half-lost-in-the-sum",
        "0.49999999999999994 + 0.5 rounds to 1: the level is 1, by the order of operations.",
        ask([0.49999999999999994], 1.0, 1),
        (),
    ),
    ("clips-above", "What is above theta is theta.", ask([1.0000000000000002, 1.5, 3.0, 1e300]), ()),
    ("clips-below", "What is below 0 is +0.0, never -0.0.", ask([-0.0, -0.1, -0.125, -5.0, -1e300]), ()),
    ("not-rounded-first", "A third is no level of 4: the result is.", ask([1 / 3, 2 / 3]), ()),
    (
        "theta-third",
        "theta is divided by after x * T: another order gives other bits.",
        ask([0.1, 0.2, 0.3], 1 / 3, 7),
        (),
    ),
    ("theta-odd", "(level * theta) / T, not level * (theta / T).", ask([0.7, 1.4, 2.1, 0.3], 2.3, 10), ()),
    ("theta-below-one", "theta scales both sides.", ask([0.01, 0.05, 0.09], 0.1, 3), ()),
    ("one-step", "With T = 1 it is a step function.", ask([0.49, 0.5, 0.51, -1.0], 1.0, 1), ("qcfs.steps",)),
    ("steps-three", "T = 3 divides with rounding.", ask([0.1, 0.2, 0.5, 0.9], 1.0, 3), ()),
    ("steps-1024", "Many levels.", ask([0.123456789, 0.9999, 0.5], 1.0, 1024), ()),
    ("steps-most", "T is at most 1,048,576.", ask([0.123456789, 0.5, 2.0], 1.5, 1048576), ("qcfs.steps",)),
    ("empty", "A list of nothing gives nothing.", ask([]), ("qcfs.input",)),
    ("integers", "Integers are Numbers.", ask([0, 1, 2, -3], 2, 4), ("qcfs.input", "qcfs.theta")),
    ("product-overflows", "x * T is infinite and then clipped: no fault.", ask([MAX, -MAX], 1.0, 8), ("qcfs.input",)),
    ("quotient-overflows", "So is a quotient.", ask([1e300, -1e300], 1e-300, 8), ("qcfs.non-finite",)),
    (
        "theta-tiny",
        "The smallest theta counts; products of it are rounded.",
        ask([TINY, 1e-323, 1.0], TINY, 3),
        ("qcfs.theta",),
    ),
    ("theta-subnormal", "Subnormals are kept.", ask([1e-310, 3e-310], 1e-309, 7), ("qcfs.theta",)),
    ("theta-large", "level * theta stays finite up to the largest number.", ask([1e308], MAX, 1), ("qcfs.non-finite",)),
    (
        "large-level-within",
        "4 * theta is just finite.",
        ask([4e307, 1e306], 4.4e307, 4),
        ("qcfs.non-finite",),
    ),
    ("x-subnormal", "A subnormal input is level 0.", ask([TINY, -TINY, 2.2250738585072014e-308]), ()),
    ("large-batch", "Many elements, each for itself.", ask([k / 64 - 0.25 for k in range(128)], 1.25, 8), ()),
    ("seven-steps", "Each seventh.", ask([k / 7 for k in range(8)], 1.0, 7), ()),
    ("thetas-own-bits", "A theta of 53 bits.", ask([0.1 * k for k in range(12)], 0.7310585786300049, 5), ()),
    (
        "empty-most-steps",
        "Nothing in the finest quantization is nothing.",
        ask([], TINY, 1048576),
        ("qcfs.input", "qcfs.theta"),
    ),
    ("theta-tiny-clips", "The smallest theta is its own level.", ask([1.0, -1.0, TINY], TINY, 1), ("qcfs.theta",)),
    ("largest-level", "The largest number is a finite result.", ask([MAX, -MAX, 1.0], MAX, 1), ("qcfs.non-finite",)),
    (
        "half-of-two-lost-in-the-sum",
        "The quotient is just below a half, its sum with a half rounds to 1.",
        ask([0.9999999999999999, 0.9999999999999998], 2.0, 1),
        (),
    ),
    (
        "quotient-not-reciprocal",
        "Just below half-way, a product with 1 / theta is on another level than the quotient.",
        ask([0.11666666666666664, 0.5833333333333333], 0.7, 3),
        (),
    ),
    ("tenths", "Sums of tenths lie beside the halves.", ask([0.05, 0.15, 0.25, 0.35, 0.45, 0.55], 1.0, 10), ()),
]
for name, why, data, near in VALUES:
    qcfs.accept(f"qcfs-{name}", why, data, near=near)


# --- faults: (name, rule, path, why, input, repair)

FAULTS: list[tuple[str, str, str, str, dict[str, Any], Patch]] = [
    ("input-object", "input", "/x", "x is a list.", ask({"0": 1.0}), put("/x", [1.0])),
    ("input-number", "input", "/x", "A number is no list of one.", ask(0.5), put("/x", [0.5])),
    ("input-null", "input", "/x", "null is no list.", ask(None), put("/x", [])),
    ("input-nested", "input", "/x/1", "An array is no Number.", ask([0.5, [0.5]]), put("/x/1", 0.5)),
    ("input-string", "input", "/x/0", "A numeric string is no Number.", ask(["0.5"]), put("/x/0", 0.5)),
    ("input-bool", "input", "/x/2", "true is no Number.", ask([0.5, 0.25, True]), put("/x/2", 1.0)),
    ("input-nan", "input", "/x/1", "NaN is not finite.", ask([0.5, "NaN"]), put("/x/1", 0.0)),
    ("input-infinity", "input", "/x/0", "An infinite x is a fault, not theta.", ask(["Infinity"]), put("/x/0", MAX)),
    ("input-minus-infinity", "input", "/x/0", "Nor is it 0.", ask(["-Infinity"]), put("/x/0", -MAX)),
    ("theta-zero", "theta", "/theta", "theta is above 0.", ask([0.5], 0.0), put("/theta", TINY)),
    ("theta-minus-zero", "theta", "/theta", "-0.0 is not above 0.", ask([0.5], -0.0), put("/theta", 1)),
    ("theta-negative", "theta", "/theta", "theta is above 0.", ask([0.5], -1.0), put("/theta", 1.0)),
    ("theta-nan", "theta", "/theta", "NaN is not above 0.", ask([0.5], "NaN"), put("/theta", 1.0)),
    ("theta-infinite", "theta", "/theta", "theta is finite.", ask([0.5], "Infinity"), put("/theta", MAX)),
    ("theta-bool", "theta", "/theta", "true is no Number.", ask([0.5], True), put("/theta", 1)),
    ("theta-list", "theta", "/theta", "One theta for all.", ask([0.5], [1.0]), put("/theta", 1.0)),
    ("steps-zero", "steps", "/T", "At least one step.", ask([0.5], 1.0, 0), put("/T", 1)),
    ("steps-negative", "steps", "/T", "At least one step.", ask([0.5], 1.0, -1), put("/T", 1)),
    ("steps-too-many", "steps", "/T", "At most 1,048,576 steps.", ask([0.5], 1.0, 1048577), put("/T", 1048576)),
    ("steps-fraction", "steps", "/T", "4.0 is no Integer.", ask([0.5], 1.0, 4.0), put("/T", 4)),
    ("steps-bool", "steps", "/T", "true is no Integer.", ask([0.5], 1.0, True), put("/T", 1)),
    ("steps-string", "steps", "/T", "A string is no Integer.", ask([0.5], 1.0, "4"), put("/T", 4)),
    ("input-false", "input", "/x/0", "false is no Number.", ask([False, 0.5]), put("/x/0", 0)),
    ("input-spaced-string", "input", "/x/1", "Nor is a string with spaces.", ask([1.0, " 1 "]), put("/x/1", 1)),
    ("input-string-nan", "input", "/x", "A Number alone is no list.", ask("NaN"), put("/x", [1.0])),
    ("input-batch", "input", "/x/0", "A batch is no list of Numbers.", ask([[0.5, 0.25]]), put("/x", [0.5, 0.25])),
    ("theta-minus-tiny", "theta", "/theta", "Just below 0.", ask([0.5], -TINY), put("/theta", TINY)),
    ("theta-nan-of-nothing", "theta", "/theta", "theta counts without any x.", ask([], "NaN"), put("/theta", 1.0)),
    ("theta-true", "theta", "/theta", "true is no Number.", ask([2.0], True, 8), put("/theta", 1.0)),
    ("steps-one-too-many", "steps", "/T", "One more than the most.", ask([], 2.0, 1048577), put("/T", 1048576)),
    ("steps-one-float", "steps", "/T", "1.0 is no Integer.", ask([0.5], 1.0, 1.0), put("/T", 1)),
    ("steps-true", "steps", "/T", "true is not 1.", ask([0.7, 0.2], 0.5, True), put("/T", 1)),
    ("overflow-twice", "non-finite", "/x/0", "The first of two is told.", ask([MAX, 0.0, MAX], MAX, 2), put("/T", 1)),
    (
        "overflow",
        "non-finite",
        "/x/0",
        "level * theta overflows before it is divided.",
        ask([MAX], MAX, 2),
        put("/T", 1),
    ),
    (
        "overflow-second",
        "non-finite",
        "/x/1",
        "The first result that overflows is told; level 1 does not.",
        ask([5e307, MAX, MAX], 1e308, 2),
        put("/theta", 8e307),
    ),
]
for name, rule, path, why, data, repair in FAULTS:
    qcfs.reject(f"qcfs-{name}", f"qcfs.{rule}", path, why, data, repair)

qcfs.precedence(
    "qcfs-everything-wrong",
    "x before theta before T, whatever the order of the members.",
    {"T": 0, "theta": 0, "x": [1.0, None, "NaN"]},
    [
        ("qcfs.input", "/x/1", put("/x/1", 1.0)),
        ("qcfs.input", "/x/2", put("/x/2", 1.0)),
        ("qcfs.theta", "/theta", put("/theta", 1.0)),
        ("qcfs.steps", "/T", put("/T", 1)),
    ],
)
qcfs.precedence(
    "qcfs-finite-before-type-behind",
    "Entry by entry: NaN at 0 comes before null at 1.",
    ask(["NaN", None]),
    [("qcfs.input", "/x/0", put("/x/0", 0)), ("qcfs.input", "/x/1", put("/x/1", 0))],
)
