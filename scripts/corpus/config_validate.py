"""Cases of config.validate: the transfer config alone."""

from __future__ import annotations

from typing import Any

from cases import Cases, Patch, add, below, doc, drop, put, raw, reraw, retext, text

config = Cases("config.validate")
TABLES = [config]

Row = tuple[str, str, str, str, Any, Patch]
"""id, code, path, why, the document, and the patch on the document that repairs it."""

FAULTS: list[Row] = [
    ("array", "config.object", "", "An empty array is falsy like an empty object, but is none.", [], put("", {})),
    (
        "null",
        "config.object",
        "",
        "Null stands for no config in many APIs; here it is a value of the wrong type.",
        None,
        put("", {}),
    ),
    ("string", "config.object", "", "A layer name alone is no config.", "encoder", put("", {})),
    ("number", "config.object", "", "A layer index alone is no config.", 0, put("", {})),
    (
        "unknown-key",
        "config.unknown-key",
        "/lr",
        "A misspelt learning rate that is ignored trains with the default.",
        {"lr": 0.1},
        drop("/lr"),
    ),
    (
        "unknown-key-camel-case",
        "config.unknown-key",
        "/freezeUntil",
        "Keys are spelt with underscores; a binding that renames them accepts both.",
        {"freezeUntil": 0},
        drop("/freezeUntil"),
    ),
    (
        "unknown-key-empty",
        "config.unknown-key",
        "/",
        "The pointer to a member with the empty name is '/', not the empty pointer.",
        {"": 0},
        drop("/"),
    ),
    (
        "unknown-key-escapes",
        "config.unknown-key",
        "/a~1b~0c~01",
        "In a pointer '/' is ~1 and '~' is ~0; escaping in the wrong order turns ~1 into ~01 or back into '/'.",
        {"a/b~c~1": 0},
        drop("/a~1b~0c~01"),
    ),
    (
        "unknown-key-control-character",
        "config.unknown-key",
        "/lr_head\n",
        "A pointer carries control characters as they are; trimming the key makes it a known one.",
        {"lr_head\n": 0.1},
        drop("/lr_head\n"),
    ),
    (
        "unknown-key-fullwidth",
        "config.unknown-key",
        "/\uff4cr_head",
        "Compatibility normalisation (NFKC, as Python does with identifiers) makes the fullwidth l an l.",
        {"\uff4cr_head": 0.1},
        drop("/\uff4cr_head"),
    ),
    (
        "freeze-until-true",
        "config.freeze-until-type",
        "/freeze_until",
        "In Python True is an int and in JavaScript it compares equal to 1.",
        {"freeze_until": True},
        put("/freeze_until", 1),
    ),
    (
        "freeze-until-false",
        "config.freeze-until-type",
        "/freeze_until",
        "False is not the index 0.",
        {"freeze_until": False},
        put("/freeze_until", 0),
    ),
    (
        "freeze-until-null",
        "config.freeze-until-type",
        "/freeze_until",
        "Null is a value of the wrong type, not absence; the default -1 must not step in.",
        {"freeze_until": None},
        drop("/freeze_until"),
    ),
    (
        "freeze-until-fraction",
        "config.freeze-until-type",
        "/freeze_until",
        "2.0 is not an Integer, though its value is whole and many readers make it one.",
        {"freeze_until": 2.0},
        put("/freeze_until", 2),
    ),
    (
        "freeze-until-minus-one-fraction",
        "config.freeze-until-type",
        "/freeze_until",
        "-1.0 is not the Integer -1.",
        {"freeze_until": -1.0},
        put("/freeze_until", -1),
    ),
    (
        "freeze-until-list",
        "config.freeze-until-type",
        "/freeze_until",
        "A list with one name is not a name.",
        {"freeze_until": ["encoder"]},
        put("/freeze_until", "encoder"),
    ),
    (
        "freeze-until-object",
        "config.freeze-until-type",
        "/freeze_until",
        "An object is neither a name nor an index.",
        {"freeze_until": {}},
        put("/freeze_until", -1),
    ),
    (
        "freeze-until-minus-two",
        "config.freeze-until-range",
        "/freeze_until",
        "-1 adds nothing; -2 is no index, not the last layer but one as in Python.",
        {"freeze_until": -2},
        put("/freeze_until", -1),
    ),
    (
        "freeze-until-min-integer",
        "config.freeze-until-range",
        "/freeze_until",
        "-(2^53-1) is an Integer and so out of range, not of the wrong type; 32 bits wrap it to 1.",
        {"freeze_until": -9007199254740991},
        put("/freeze_until", -1),
    ),
    (
        "freeze-until-int32-min",
        "config.freeze-until-range",
        "/freeze_until",
        "-2^31-1 wraps to a large index in 32 bits.",
        {"freeze_until": -2147483649},
        put("/freeze_until", -1),
    ),
    (
        "lr-true",
        "config.learning-rate-type",
        "/lr_head",
        "In Python True is 1 and passes isinstance(x, (int, float)).",
        {"lr_head": True},
        put("/lr_head", 1),
    ),
    (
        "lr-false",
        "config.learning-rate-type",
        "/lr_backbone",
        "False is not the rate 0.",
        {"lr_backbone": False},
        put("/lr_backbone", 0),
    ),
    (
        "lr-null",
        "config.learning-rate-type",
        "/lr_head",
        "Null is a value of the wrong type; the default must not step in.",
        {"lr_head": None},
        drop("/lr_head"),
    ),
    (
        "lr-numeric-string",
        "config.learning-rate-type",
        "/lr_head",
        "A numeric string is no Number; float() would read it.",
        {"lr_head": "0.01"},
        put("/lr_head", 0.01),
    ),
    (
        "lr-nan-lower-case",
        "config.learning-rate-type",
        "/lr_head",
        "Only the exact string NaN is a Number; float('nan') takes any case.",
        {"lr_head": "nan"},
        put("/lr_head", 0.0),
    ),
    (
        "lr-inf-short",
        "config.learning-rate-type",
        "/lr_head",
        "Only the exact string Infinity is a Number; float('inf') takes the short form.",
        {"lr_head": "inf"},
        put("/lr_head", 0.0),
    ),
    (
        "lr-plus-infinity",
        "config.learning-rate-type",
        "/lr_head",
        "+Infinity with a plus is just a string.",
        {"lr_head": "+Infinity"},
        put("/lr_head", 0.0),
    ),
    (
        "lr-list",
        "config.learning-rate-type",
        "/lr_backbone",
        "NumPy makes a number of a list of one.",
        {"lr_backbone": [0.1]},
        put("/lr_backbone", 0.1),
    ),
    (
        "lr-nan",
        "config.learning-rate-range",
        "/lr_head",
        "Every comparison with NaN is false: `if rate < 0: reject` lets it pass.",
        {"lr_head": "NaN"},
        put("/lr_head", 0.0),
    ),
    (
        "lr-infinity",
        "config.learning-rate-range",
        "/lr_backbone",
        "Infinity is not negative, but no rate.",
        {"lr_backbone": "Infinity"},
        put("/lr_backbone", 1.7976931348623157e308),
    ),
    (
        "lr-minus-infinity",
        "config.learning-rate-range",
        "/lr_head",
        "The string -Infinity is a Number, so the fault is its range, not its type.",
        {"lr_head": "-Infinity"},
        put("/lr_head", 0.0),
    ),
    (
        "lr-negative",
        "config.learning-rate-range",
        "/lr_head",
        "A negative rate climbs instead of descending.",
        {"lr_head": -0.01},
        put("/lr_head", 0.01),
    ),
    (
        "lr-negative-integer",
        "config.learning-rate-range",
        "/lr_head",
        "Integers are Numbers and take the same check.",
        {"lr_head": -1},
        put("/lr_head", 1),
    ),
    (
        "lr-min-subnormal-negative",
        "config.learning-rate-range",
        "/lr_backbone",
        "The negative number nearest to zero: flush-to-zero or float32 make it -0.0, which is accepted.",
        {"lr_backbone": -5e-324},
        put("/lr_backbone", -0.0),
    ),
]
for name, code, path, why, document, patch in FAULTS:
    config.reject(f"config-{name}", code, path, why, doc(document), below("/document", patch))


# --- accepted: (id, the rule that it nearly breaks, why, document, the whole output)

ZERO, MINUS_ZERO, ONE, HUNDREDTH = "0000000000000000", "8000000000000000", "3ff0000000000000", "3f847ae147ae147b"
TENTH = "3fb999999999999a"


def due(until: Any = -1, backbone: str = ZERO, head: str = HUNDREDTH) -> dict[str, Any]:
    return {"freeze_until": until, "lr_backbone": backbone, "lr_head": head}


SOUND = [
    (
        "empty",
        "config.object",
        "An empty object is an object, and falsy in Python; all defaults are filled in.",
        {},
        due(),
    ),
    (
        "all-keys",
        "config.unknown-key",
        "All three keys, in an order of their own.",
        {"lr_head": 0.1, "freeze_until": "encoder", "lr_backbone": 0.1},
        due("encoder", TENTH, TENTH),
    ),
    ("one-key", "config.unknown-key", "What is absent has its default.", {"lr_backbone": 0.1}, due(-1, TENTH)),
    (
        "freeze-until-empty-name",
        "config.freeze-until-type",
        "The empty name is falsy, but a string like any other.",
        {"freeze_until": ""},
        due(""),
    ),
    (
        "freeze-until-digits",
        "config.freeze-until-type",
        "A string of digits is a name and stays one.",
        {"freeze_until": "2"},
        due("2"),
    ),
    (
        "freeze-until-minus-two-name",
        "config.freeze-until-range",
        "The name '-2' is not the Integer -2.",
        {"freeze_until": "-2"},
        due("-2"),
    ),
    (
        "freeze-until-minus-one",
        "config.freeze-until-range",
        "-1 is the smallest allowed: `< 0` rejects it.",
        {"freeze_until": -1},
        due(-1),
    ),
    (
        "freeze-until-zero",
        "config.freeze-until-range",
        "0 is falsy and must not become the default -1.",
        {"freeze_until": 0},
        due(0),
    ),
    (
        "freeze-until-max-integer",
        "config.freeze-until-type",
        "2^53-1 is the largest Integer; whether a layer is there is not asked here.",
        {"freeze_until": 9007199254740991},
        due(9007199254740991),
    ),
    (
        "freeze-until-unicode",
        "config.freeze-until-type",
        "Names travel unchanged: no normalisation, no escaping of astral characters.",
        {"freeze_until": "e\u0301 \U0001f600"},
        due("e\u0301 \U0001f600"),
    ),
    (
        "lr-zero-integer",
        "config.learning-rate-type",
        "An Integer is a Number; the answer is its binary64.",
        {"lr_head": 0},
        due(-1, ZERO, ZERO),
    ),
    (
        "lr-one-integer",
        "config.learning-rate-type",
        "1 is answered as the bits of 1.0.",
        {"lr_head": 1},
        due(-1, ZERO, ONE),
    ),
    (
        "lr-minus-zero",
        "config.learning-rate-range",
        "-0.0 is not below zero, and keeps its sign.",
        {"lr_backbone": -0.0},
        due(-1, MINUS_ZERO),
    ),
    (
        "lr-min-subnormal",
        "config.learning-rate-range",
        "The smallest positive number survives.",
        {"lr_head": 5e-324},
        due(-1, ZERO, "0000000000000001"),
    ),
    (
        "lr-max",
        "config.learning-rate-range",
        "The largest finite number is a rate.",
        {"lr_head": 1.7976931348623157e308},
        due(-1, ZERO, "7fefffffffffffff"),
    ),
    (
        "lr-above-float32",
        "config.learning-rate-range",
        "1e39 is infinite in single precision only.",
        {"lr_head": 1e39},
        due(-1, ZERO, "48078287f49c4a1d"),
    ),
    (
        "lr-float32-loss",
        "config.learning-rate-range",
        "0.1 read through single precision is another number.",
        {"lr_head": 0.1},
        due(-1, ZERO, TENTH),
    ),
]
for name, near, why, document, output in SOUND:
    config.accept(f"config-{name}", why, doc(document), near=near, facts=output)


# --- texts

TEXT_FAULTS = [
    ("syntax", "json.syntax", '{"lr_head":.1}', '{"lr_head":0.1}', "The text is read as strictly as by json.parse."),
    (
        "nan-literal",
        "json.syntax",
        '{"lr_head":NaN}',
        '{"lr_head":0}',
        "The bare literal is a fault of syntax; only the string is a Number.",
    ),
    (
        "surrogate",
        "json.surrogate",
        '{"freeze_until":"\\ud800"}',
        '{"freeze_until":"\\ud7ff"}',
        "A name with half a surrogate pair cannot be answered in UTF-8.",
    ),
    (
        "duplicate-key",
        "json.duplicate-key",
        '{"lr_head":0.1,"lr_head":0.2}',
        '{"lr_head":0.1}',
        "Which of two rates holds must not depend on the reader.",
    ),
    (
        "depth",
        "json.depth",
        '{"lr_head":' + "[" * 64 + "]" * 64 + "}",
        '{"lr_head":1}',
        "Depth is checked before the type of the rate.",
    ),
    (
        "number-range",
        "json.number-range",
        '{"lr_head":1e400}',
        '{"lr_head":1e300}',
        "1e400 is a fault of the text; the string Infinity would be one of the rate.",
    ),
]
for name, code, bad, good, why in TEXT_FAULTS:
    config.reject(f"config-text-{name}", code, "", why, text(bad), retext(good))
config.reject(
    "config-text-encoding",
    "json.encoding",
    "",
    "A name in Latin-1 must not be read with a replacement character.",
    raw(b'{"freeze_until":"caf\xe9"}'),
    reraw(b'{"freeze_until":"caf\xc3\xa9"}'),
    tags="unicode",
)

TEXT_TYPES = [
    ("exponent", "1e0", "1", "1e0 is not an Integer: it has an exponent."),
    ("fraction-zero", "0.0", "0", "0.0 is not an Integer: it has a fraction."),
    (
        "above-max-integer",
        "9007199254740992",
        "9007199254740991",
        "2^53 is a Number, but no Integer, so of the wrong type.",
    ),
    ("below-min-integer", "-9007199254740992", "-1", "-2^53 is no Integer: of the wrong type, not out of range."),
    ("twenty-digits", "18446744073709551615", "0", "2^64-1 becomes -1 in a signed integer and would add nothing."),
]
for name, bad, good, why in TEXT_TYPES:
    config.reject(
        f"config-text-freeze-until-{name}",
        "config.freeze-until-type",
        "/freeze_until",
        why,
        text(f'{{"freeze_until":{bad}}}'),
        retext(f'{{"freeze_until":{good}}}'),
        tags="boundary",
    )

TEXT_SOUND = [
    (
        "white-space",
        "config.object",
        " {\n} ",
        due(),
        "An empty object may hold white space; 0.01 is the nearest binary64.",
    ),
    (
        "minus-zero-index",
        "config.freeze-until-type",
        '{"freeze_until":-0}',
        due(0),
        "-0 is the Integer 0 and is answered as 0.",
    ),
    (
        "long-rate",
        "config.learning-rate-type",
        '{"lr_head":1' + "0" * 30 + "}",
        due(-1, ZERO, "46293e5939a08cea"),
        "An integer text of any length is a Number.",
    ),
    (
        "rounded-rate",
        "config.learning-rate-range",
        '{"lr_head":9007199254740993}',
        due(-1, ZERO, "4340000000000000"),
        "Number text is rounded to nearest, ties to even: 2^53+1 becomes 2^53.",
    ),
    (
        "minus-underflow",
        "config.learning-rate-range",
        '{"lr_head":-1e-400}',
        due(-1, ZERO, MINUS_ZERO),
        "Negative in the text, but read as -0.0, which is not below zero.",
    ),
    (
        "integer-minus-zero-rate",
        "config.learning-rate-range",
        '{"lr_head":-0}',
        due(-1, ZERO, MINUS_ZERO),
        "Where a Number is due, the text -0 is -0.0; an int would lose the sign.",
    ),
    (
        "escaped-key",
        "config.unknown-key",
        '{"lr\\u005fhead":1}',
        due(-1, ZERO, ONE),
        "Keys are compared after unescaping.",
    ),
    (
        "max-rate",
        "json.number-range",
        '{"lr_head":1.7976931348623158e308}',
        due(-1, ZERO, "7fefffffffffffff"),
        "Above the largest binary64 by its digits, but it rounds down and is finite.",
    ),
]
for name, near, good, output, why in TEXT_SOUND:
    config.accept(f"config-text-{name}", why, text(good), near=near, facts=output, tags="number")


# --- which of two faults

ORDER = [
    (
        "json-before-unknown-key",
        "The text is read whole before the config is looked at.",
        text('{"lr":1,"lr_head":1e400}'),
        [
            ("json.number-range", "", retext('{"lr":1,"lr_head":1}')),
            ("config.unknown-key", "/lr", retext('{"lr_head":1}')),
        ],
    ),
    (
        "json-before-object",
        "The text is read whole before its root is looked at.",
        text('["\\ud800"]'),
        [("json.surrogate", "", retext("[]")), ("config.object", "", retext("{}"))],
    ),
    (
        "unknown-key-before-freeze-until-type",
        "Checking member by member meets the wrong type first.",
        doc({"freeze_until": None, "lr": 0.1}),
        [
            ("config.unknown-key", "/lr", drop("/document/lr")),
            ("config.freeze-until-type", "/freeze_until", put("/document/freeze_until", 0)),
        ],
    ),
    (
        "freeze-until-type-before-learning-rate-type",
        "Checking member by member meets the rate first.",
        doc({"lr_head": "high", "freeze_until": 1.5}),
        [
            ("config.freeze-until-type", "/freeze_until", put("/document/freeze_until", 1)),
            ("config.learning-rate-type", "/lr_head", put("/document/lr_head", 1)),
        ],
    ),
    (
        "freeze-until-range-before-learning-rate-type",
        "Checking all types before any range meets the rate first.",
        doc({"lr_backbone": None, "freeze_until": -2}),
        [
            ("config.freeze-until-range", "/freeze_until", put("/document/freeze_until", -1)),
            ("config.learning-rate-type", "/lr_backbone", put("/document/lr_backbone", 0)),
        ],
    ),
    (
        "learning-rate-type-before-range",
        "Checking one rate to the end before the other meets the range first.",
        doc({"lr_backbone": -1, "lr_head": "1"}),
        [
            ("config.learning-rate-type", "/lr_head", put("/document/lr_head", 1)),
            ("config.learning-rate-range", "/lr_backbone", put("/document/lr_backbone", 1)),
        ],
    ),
    (
        "two-unknown-keys",
        "The first unknown key in document order, not in sorted order or in that of a hash table.",
        doc({"zeta": 1, "lr_head": 1, "alpha": 2}),
        [
            ("config.unknown-key", "/zeta", drop("/document/zeta")),
            ("config.unknown-key", "/alpha", drop("/document/alpha")),
        ],
    ),
    (
        "two-learning-rate-types",
        "Several rates at fault: the first in document order, not lr_backbone because the table names it first.",
        doc({"lr_head": [], "lr_backbone": {}}),
        [
            ("config.learning-rate-type", "/lr_head", put("/document/lr_head", 1)),
            ("config.learning-rate-type", "/lr_backbone", put("/document/lr_backbone", 1)),
        ],
    ),
    (
        "two-learning-rate-ranges",
        "Several rates at fault: the first in document order.",
        doc({"lr_head": "NaN", "lr_backbone": -1}),
        [
            ("config.learning-rate-range", "/lr_head", put("/document/lr_head", 1)),
            ("config.learning-rate-range", "/lr_backbone", put("/document/lr_backbone", 1)),
        ],
    ),
]
for name, why, data, faults in ORDER:
    config.precedence(f"config-{name}", why, data, faults)
config.precedence(
    "config-everything-wrong",
    "Four faults in the reverse of their due order: a port that stops at the first it meets is wrong each time.",
    doc({"lr_head": -1, "lr_backbone": "x", "freeze_until": -2, "lr": 0}),
    [
        ("config.unknown-key", "/lr", drop("/document/lr")),
        ("config.freeze-until-range", "/freeze_until", put("/document/freeze_until", -1)),
        ("config.learning-rate-type", "/lr_backbone", put("/document/lr_backbone", 0.0)),
        ("config.learning-rate-range", "/lr_head", add("/document/lr_head", 0.1)),
    ],
)
