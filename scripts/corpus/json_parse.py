"""Cases of json.parse: what RFC 8259 and the six rules of stage `json` leave no freedom in."""

from __future__ import annotations

from cases import Cases, raw, reraw, retext, text

parse = Cases("json.parse")
TABLES = [parse]

GRAMMAR, STRING, UTF_8 = "RFC 8259", "RFC 8259, section 7", "RFC 3629, section 4"
MAX = "1.7976931348623157e308"
HALFWAY_TO_INFINITY = 2**1024 - 2**970
"""The integer in the middle of the largest binary64 and 2^1024: ties to even, so it is infinite."""


# --- json.syntax: (id, text, repaired text, why)

SYNTAX = [
    ("empty", "", "0", "a reader that takes the empty text for null accepts a file that was cut to nothing"),
    ("only-white-space", " \n", " 0\n", "skipping white space must not run into the end as if a value had been there"),
    ("trailing-comma-array", "[1,]", "[1]", "JSON5-minded readers allow a comma before the closing bracket"),
    ("trailing-comma-object", '{"a":1,}', '{"a":1}', "JSON5-minded readers allow a comma before the closing brace"),
    ("leading-comma", "[,1]", "[1]", "a loop that eats a comma before each element accepts one before the first"),
    ("doubled-comma", "[1,,2]", "[1,2]", "a reader that skips empty elements as JavaScript's arrays do"),
    ("lone-comma-array", "[,]", "[]", "an element between brackets may not be empty"),
    ("lone-comma-object", "{,}", "{}", "a member between braces may not be empty"),
    ("missing-comma-array", "[1 2]", "[1,2]", "white space does not separate elements"),
    ("missing-comma-object", '{"a":1 "b":2}', '{"a":1,"b":2}', "white space does not separate members"),
    ("semicolon", "[1;2]", "[1,2]", "only a comma separates elements"),
    ("missing-colon", '{"a" 1}', '{"a":1}', "a tokeniser that treats the colon as white space"),
    ("doubled-colon", '{"a"::1}', '{"a":1}', "a tokeniser that treats the colon as white space"),
    ("equals-sign", '{"a"=1}', '{"a":1}', "TOML-minded readers take an equals sign for a colon"),
    ("missing-value", '{"a":}', '{"a":0}', "a member without a value is not null"),
    ("key-alone", '{"a"}', '{"a":0}', "a key without a value is a set in Python, not JSON"),
    ("key-bare", "{a:1}", '{"a":1}', "JavaScript's object literals allow bare keys"),
    ("key-number", "{1:2}", '{"1":2}', "Python's dict literals allow a number for a key"),
    ("key-null", "{null:1}", '{"null":1}', "a literal is no key even where the reader has a token for it"),
    ("single-quotes", "['a']", '["a"]', "Python's repr of a list looks like JSON but for the quotes"),
    ("parentheses", "(1)", "[1]", "evaluating the text instead of parsing it accepts expressions"),
    ("unclosed-array", "[1", "[1]", "the end of input must not close what is open"),
    ("unclosed-object", '{"a":1', '{"a":1}', "the end of input must not close what is open"),
    ("unclosed-after-comma", "[1,", "[1]", "the end of input after a comma is no end of the array"),
    ("unclosed-string", '"abc', '"abc"', "a scanner that runs to the end of the buffer closes the string there"),
    ("unclosed-string-by-escape", '"abc\\"', '"abc\\""', "an escaped quote does not close the string"),
    ("mismatched-brackets", "[1}", "[1]", "a reader that counts one kind of nesting lets a brace close an array"),
    ("closing-bracket-alone", "]", "[]", "a closing bracket at depth 0 must not underflow a depth counter"),
    ("closing-bracket-extra", "[1]]", "[1]", "what follows the first value must be white space"),
    ("closing-brace-extra", '{"a":1}}', '{"a":1}', "what follows the first value must be white space"),
    ("two-values", "1 2", "[1,2]", "a JSON Lines reader takes a second value on the line"),
    ("two-strings", '"a" "b"', '"ab"', "C and Python join adjacent strings, JSON does not"),
    ("text-after-value", "[1]x", "[1]", "a reader that stops after the first value never sees the rest"),
    ("trailing-nul", "1\x00", "1", "a C string ends at the NUL byte, the text does not"),
    ("comment-line", "1 // one", "1", "JSON5-minded readers skip comments"),
    ("comment-block", "/* one */ 1", "1", "JSON5-minded readers skip comments"),
    ("comment-hash", "# one\n1", "1", "YAML-minded readers skip comments"),
    ("literal-true-cut", "tru", "true", "comparing only as many letters as are there accepts a cut literal"),
    ("literal-true-capital", "True", "true", "Python's literal is not JSON's"),
    ("literal-true-run-on", "truee", "true", "a literal that matches as a prefix leaves a letter behind"),
    ("literal-null-capital", "NULL", "null", "literals are matched with their case"),
    ("literal-none", "None", "null", "Python's literal is not JSON's"),
    ("literal-undefined", "[undefined]", "[null]", "JavaScript's literal is not JSON's"),
    ("literal-nan", "NaN", '"NaN"', "Python's json module reads the bare literal NaN unless told not to"),
    ("literal-infinity", "[Infinity]", '["Infinity"]', "Python's json module reads the bare literal Infinity"),
    ("literal-minus-infinity", "-Infinity", '"-Infinity"', "Python's json module reads -Infinity"),
    ("literal-inf", "inf", '"inf"', "strtod and float() read inf"),
    ("literal-minus-nan", "-NaN", '"-NaN"', "strtod reads -nan"),
    ("number-leading-zero", "01", "1", "C reads octal, strtod skips the zero; RFC 8259 forbids it"),
    ("number-two-zeros", "00", "0", "a zero may stand only alone before the point"),
    ("number-minus-leading-zero", "-012", "-12", "the ban on leading zeros holds after a minus too"),
    ("number-plus", "+1", "1", "strtod and Julia's parse read a leading plus"),
    ("number-minus-alone", "-", "-1", "a minus needs a digit"),
    ("number-two-minuses", "--1", "1", "a minus is part of the number, not an operator"),
    ("number-minus-space", "- 1", "-1", "a minus is part of the number, not an operator"),
    ("number-no-integer-part", ".5", "0.5", "strtod reads a number without integer part"),
    ("number-minus-point", "-.5", "-0.5", "strtod reads a number without integer part, after a minus too"),
    ("number-no-fraction", "1.", "1.0", "strtod and Python's float() read a number that ends in a point"),
    ("number-no-fraction-exponent", "1.e5", "1.0e5", "strtod reads a point without digits before an exponent"),
    ("number-no-exponent", "1e", "1e0", "strtod gives back the e that has no digits, a strict reader rejects it"),
    ("number-exponent-sign-alone", "1e+", "1e+0", "an exponent needs a digit after its sign"),
    ("number-exponent-fraction", "1e1.5", "1e1", "an exponent is an integer"),
    ("number-two-points", "1.2.3", "1.23", "a number has one point"),
    ("number-hexadecimal", "0x1F", "31", "strtod and JSON5 read hexadecimal numbers"),
    ("number-underscore", "1_000", "1000", "Python, Rust, Julia and Mojo allow underscores in number literals"),
    ("number-suffix", "1f", "1", "Julia reads 1f0 and C reads 1f as single precision"),
    ("number-comma", "1,5", "[1,5]", "a locale that writes a decimal comma"),
    ("number-fullwidth-digit", "\uff11", "1", "isdigit() of a Unicode string is true for a fullwidth one"),
    ("number-arabic-digit", "[1\u0662]", "[12]", "Python's int() reads Arabic-Indic digits"),
    ("number-unicode-minus", "\u22121", "-1", "a minus sign of typography is not the ASCII hyphen-minus"),
    ("string-raw-newline", '"a\nb"', '"a\\nb"', "a raw line feed in a string breaks JSON Lines, too"),
    ("string-raw-tab", '"a\tb"', '"a\\tb"', "many readers let a raw tab pass"),
    ("string-raw-nul", '"a\x00b"', '"a\\u0000b"', "a raw NUL ends a C string"),
    (
        "string-raw-unit-separator",
        '"a\x1fb"',
        '"a\\u001fb"',
        "U+001F is the last control character: `< 0x1f` misses it",
    ),
    ("string-raw-tab-in-key", '{"a\tb":1}', '{"a\\tb":1}', "keys are strings too"),
    ("string-escape-x", '"\\x41"', '"\\u0041"', "C and Python know \\x, JSON does not"),
    ("string-escape-quote", '"\\\'"', '"\'"', "C and JavaScript know an escaped apostrophe"),
    ("string-escape-zero", '"\\0"', '"\\u0000"', "C knows \\0 for NUL, JSON does not"),
    ("string-escape-a", '"\\a"', '"a"', "C and Python know \\a"),
    ("string-escape-newline", '"a\\\nb"', '"ab"', "JavaScript and Python continue a line after a backslash"),
    ("string-escape-u-capital", '"\\U0041"', '"\\u0041"', "Python's \\U is not JSON's \\u"),
    ("string-escape-u-short", '"\\u041"', '"\\u0041"', "three hex digits, then the quote that must not be eaten"),
    ("string-escape-u-letter", '"\\u00G1"', '"\\u0041"', "G is not a hex digit"),
    ("string-escape-u-sign", '"\\u+041"', '"\\u0041"', "parsing the four letters by strtol or int() accepts a sign"),
    ("string-escape-u-space", '"\\u 041"', '"\\u0041"', "parsing the four letters by strtol or int() accepts a space"),
    ("string-escape-u-underscore", '"\\u0_41"', '"\\u0041"', 'Python\'s int("0_41", 16) accepts an underscore'),
    (
        "string-escape-u-fullwidth",
        '"\\u\uff10041"',
        '"\\u0041"',
        "int() and isdigit() take a fullwidth digit for a hex digit",
    ),
    ("string-escape-unclosed", '"\\', '"\\\\"', "a backslash as the last byte must not read past the end"),
    ("white-space-nbsp", "[\u00a01]", "[ 1]", "isspace() of a Unicode string is true for a no-break space"),
    ("white-space-form-feed", "[\x0c1]", "[ 1]", "C's isspace() is true for a form feed"),
    ("white-space-vertical-tab", "[\x0b1]", "[ 1]", "C's isspace() is true for a vertical tab"),
    ("white-space-next-line", "\u00851", " 1", "Python's strip() removes U+0085"),
    ("white-space-line-separator", "1\u2028", "1", "Python's strip() removes U+2028"),
    (
        "white-space-bom-inside",
        "[\ufeff1]",
        "[1]",
        "a byte-order mark elsewhere than at the start is a stray character",
    ),
    ("nul-between-bytes", "[\x001\x00]\x00", "[1]", "UTF-16 without a mark is well-formed UTF-8 with NULs between"),
    ("depth-64-unclosed", "[" * 64, "[" * 64 + "]" * 64, "depth 64 is no fault, but the end of input is one"),
]
for name, bad, good, why in SYNTAX:
    why = f"{why[0].upper()}{why[1:]}."
    parse.reject(f"json-syntax-{name}", "json.syntax", "", why, text(bad), retext(good), tags="syntax", source=GRAMMAR)


# --- json.encoding: (id, bytes, repaired bytes, why)

ENCODING = [
    ("bom", b"\xef\xbb\xbf[]", b"[]", "Editors on Windows write a byte-order mark, and a utf-8-sig reader hides it."),
    ("continuation-alone", b'"\x80"', b'"\xc2\x80"', "A continuation byte without a lead byte is not a character."),
    ("lead-alone", b'"\xc3"', b'"\xc3\xa9"', "A lead byte must not eat the closing quote as its continuation."),
    ("three-bytes-cut", b'"\xe2\x82"', b'"\xe2\x82\xac"', "Two of three bytes are not a character."),
    ("four-bytes-cut", b'"\xf0\x9f\x98"', b'"\xf0\x9f\x98\x80"', "Three of four bytes are not a character."),
    ("overlong-two", b'"\xc1\xbf"', b'"\x7f"', "An overlong form of U+007F; 0xC1 is never a lead byte."),
    ("overlong-nul", b'"\xc0\x80"', b'"\\u0000"', "Java's modified UTF-8 writes NUL as C0 80."),
    ("overlong-three", b'"\xe0\x9f\xbf"', b'"\xdf\xbf"', "After E0 the next byte starts at A0, not at 80."),
    ("overlong-four", b'"\xf0\x8f\xbf\xbf"', b'"\xef\xbf\xbf"', "After F0 the next byte starts at 90, not at 80."),
    (
        "surrogate-low",
        b'"\xed\xa0\x80"',
        b'"\xed\x9f\xbf"',
        "U+D800 has no UTF-8 form; readers of CESU-8 and WTF-8 take it.",
    ),
    (
        "surrogate-high",
        b'"\xed\xbf\xbf"',
        b'"\xee\x80\x80"',
        "U+DFFF has no UTF-8 form; readers of CESU-8 and WTF-8 take it.",
    ),
    (
        "surrogate-pair",
        b'"\xed\xa0\xbd\xed\xb8\x80"',
        b'"\xf0\x9f\x98\x80"',
        "CESU-8 writes U+1F600 as two encoded surrogates.",
    ),
    ("beyond-unicode", b'"\xf4\x90\x80\x80"', b'"\xf4\x8f\xbf\xbf"', "U+110000 is past the last code point."),
    ("lead-f5", b'"\xf5\x80\x80\x80"', b'"\xf1\x80\x80\x80"', "F5 starts nothing."),
    ("byte-ff", b'"\xff"', b'"\xc3\xbf"', "FF occurs nowhere in UTF-8, but is a letter in Latin-1."),
    (
        "latin-1",
        b'"caf\xe9"',
        b'"caf\xc3\xa9"',
        "Latin-1 text decoded leniently becomes a replacement character, not a fault.",
    ),
    ("in-key", b'{"\xe9":1}', b'{"\xc3\xa9":1}', "Keys must be decoded as strictly as values."),
]
for name, bad_bytes, good_bytes, why in ENCODING:
    origin = "oracle" if name == "bom" else UTF_8
    data, repair = raw(bad_bytes), reraw(good_bytes)
    parse.reject(f"json-encoding-{name}", "json.encoding", "", why, data, repair, tags="unicode", source=origin)

ENCODING_EDGES = [
    ("two-bytes-first", b'"\xc2\x80"', "\x80", "U+0080 is the first of two bytes and no ASCII control character."),
    ("three-bytes-first", b'"\xe0\xa0\x80"', "\u0800", "U+0800 is the first of three bytes."),
    (
        "before-surrogates",
        b'"\xed\x9f\xbf"',
        "\ud7ff",
        "U+D7FF is the last before the surrogates: `>= ED A0` must not be `> ED 9E`.",
    ),
    ("after-surrogates", b'"\xee\x80\x80"', "\ue000", "U+E000 is the first after the surrogates."),
    ("four-bytes-first", b'"\xf0\x90\x80\x80"', "\U00010000", "U+10000 is the first of four bytes."),
    (
        "last-code-point",
        b'"\xf4\x8f\xbf\xbf"',
        "\U0010ffff",
        "U+10FFFF is the last code point, and a noncharacter: both are fine.",
    ),
    (
        "noncharacters",
        b'"\xef\xbf\xbf\xef\xb7\x90"',
        "\uffff\ufdd0",
        "Noncharacters are well-formed; some validators refuse them.",
    ),
    ("bom-in-string", b'"\xef\xbb\xbf"', "\ufeff", "A mark inside a string is a zero-width no-break space and stays."),
]
for name, good_bytes, value, why in ENCODING_EDGES:
    parse.accept(
        f"json-encoding-{name}",
        why,
        raw(good_bytes),
        near="json.encoding",
        facts={"value": {"s": value}},
        tags="unicode",
        source=UTF_8,
    )


# --- json.surrogate

SURROGATE = [
    ("high-alone", '"\\ud83d"', '"\\ud83d\\ude00"', "A high surrogate at the end of the string has no other half."),
    ("low-alone", '"\\ude00"', '"\\ud83d\\ude00"', "A low surrogate alone is kept by Python's json module."),
    ("high-then-letter", '"\\ud83dx"', '"\\ud83d\\ude00x"', "The letter after it is no low surrogate."),
    ("high-then-escape", '"\\ud83d\\n"', '"\\ud83d\\ude00\\n"', "Another escape after it is no low surrogate."),
    ("high-then-bmp", '"\\ud83d\\u0041"', '"\\ud83d\\ude00"', "A \\u escape outside DC00..DFFF does not complete it."),
    (
        "high-then-high",
        '"\\ud83d\\ud83d\\ude00"',
        '"\\ud83d\\ude00"',
        "The second high half pairs with the low one, the first stays alone.",
    ),
    ("reversed", '"\\ude00\\ud83d"', '"\\ud83d\\ude00"', "Low before high is two halves, not a pair."),
    ("first", '"\\ud800"', '"\\ud7ff"', "U+D800 is the first surrogate."),
    ("last", '"\\udfff"', '"\\ue000"', "U+DFFF is the last surrogate."),
    ("in-key", '{"\\ud83d":1}', '{"\\ud83d\\ude00":1}', "Keys are unescaped as strictly as values."),
    (
        "high-then-raw-character",
        '"\\ud83d\U0001f600"',
        '"\U0001f600"',
        "A raw astral character is not the low half that is due.",
    ),
]
for name, bad, good, why in SURROGATE:
    parse.reject(f"json-surrogate-{name}", "json.surrogate", "", why, text(bad), retext(good), tags="unicode")

SURROGATE_EDGES = [
    ("pair", '"\\ud83d\\ude00"', "\U0001f600", "A pair is one code point, not two units."),
    ("pair-capitals", '"\\uD83D\\uDE00"', "\U0001f600", "Hex digits may be capitals."),
    ("pair-first", '"\\ud800\\udc00"', "\U00010000", "The first pair is U+10000: the offset must be added, not or-ed."),
    ("pair-last", '"\\udbff\\udfff"', "\U0010ffff", "The last pair is U+10FFFF."),
    (
        "two-pairs",
        '"\\ud83d\\ude00\\ud83d\\ude01"',
        "\U0001f600\U0001f601",
        "After a pair the state must be clean again.",
    ),
    ("before-first", '"\\ud7ff"', "\ud7ff", "U+D7FF is no surrogate."),
    ("after-last", '"\\ue000"', "\ue000", "U+E000 is no surrogate."),
    ("escaped-backslash", '"\\\\ud800"', "\\ud800", "After an escaped backslash the letters ud800 are only letters."),
]
for name, good, value, why in SURROGATE_EDGES:
    parse.accept(
        f"json-surrogate-{name}", why, text(good), near="json.surrogate", facts={"value": {"s": value}}, tags="unicode"
    )


# --- json.duplicate-key

DUPLICATE = [
    ("plain", '{"a":1,"a":1}', '{"a":1}', "Most readers keep the last of two equal keys in silence."),
    ("empty", '{"":0,"":1}', '{"":0}', "The empty key is a key like any other."),
    ("unescaped", '{"a":1,"\\u0061":2}', '{"a":1,"b":2}', "Keys are compared after unescaping, not as they are spelt."),
    ("slash", '{"/":1,"\\/":2}', '{"/":1}', "An escaped slash is a slash."),
    (
        "pair",
        '{"\U0001f600":1,"\\ud83d\\ude00":2}',
        '{"\U0001f600":1}',
        "A surrogate pair and the raw character are one key.",
    ),
    (
        "nested",
        '[{"x":{"a":1,"b":2,"a":3}}]',
        '[{"x":{"a":1,"b":2}}]',
        "Inner objects are checked too, and not only neighbours.",
    ),
    ("nul", '{"a\\u0000b":1,"a\\u0000b":2}', '{"a\\u0000b":1,"a\\u0000c":2}', "Equal beyond a NUL."),
    ("different-values", '{"a":[],"b":{},"a":null}', '{"a":[],"b":{}}', "The values do not matter."),
    (
        "far-apart",
        "{" + ",".join(f'"k{i}":{i}' for i in range(100)) + ',"k0":0}',
        "{" + ",".join(f'"k{i}":{i}' for i in range(100)) + "}",
        "A hundred keys lie between the two: comparing neighbours, or the last few, misses it.",
    ),
]
for name, bad, good, why in DUPLICATE:
    parse.reject(f"json-duplicate-key-{name}", "json.duplicate-key", "", why, text(bad), retext(good))

DUPLICATE_EDGES = [
    ("case", '{"a":1,"A":2}', [["a", {"i": "1"}], ["A", {"i": "2"}]], "Keys that differ in case are different keys."),
    (
        "normal-form",
        '{"\u00e9":1,"e\u0301":2}',
        [["\u00e9", {"i": "1"}], ["e\u0301", {"i": "2"}]],
        "Keys that only Unicode normalisation makes equal are different keys.",
    ),
    (
        "other-object",
        '{"a":{"a":1},"b":{"a":2}}',
        [["a", {"o": [["a", {"i": "1"}]]}], ["b", {"o": [["a", {"i": "2"}]]}]],
        "The same key in different objects is no fault: one set of keys per object.",
    ),
    (
        "nul",
        '{"a":1,"a\\u0000":2}',
        [["a", {"i": "1"}], ["a\x00", {"i": "2"}]],
        "A C string comparison ends at the NUL and finds them equal.",
    ),
    (
        "numeric-order",
        '{"2":0,"10":1,"1":2}',
        [["2", {"i": "0"}], ["10", {"i": "1"}], ["1", {"i": "2"}]],
        "Members keep document order: JavaScript moves integer-like keys to the front, a hash table shuffles them.",
    ),
    (
        "prototype",
        '{"__proto__":1,"constructor":2}',
        [["__proto__", {"i": "1"}], ["constructor", {"i": "2"}]],
        "Names that mean something to a host language are ordinary keys.",
    ),
    (
        "zero-width",
        '{"a":1,"a\u200b":2,"\u0430":3}',
        [["a", {"i": "1"}], ["a\u200b", {"i": "2"}], ["\u0430", {"i": "3"}]],
        "Keys that look alike (a zero-width space, a Cyrillic letter) are different keys.",
    ),
]
for name, good, members, why in DUPLICATE_EDGES:
    parse.accept(
        f"json-duplicate-key-near-{name}", why, text(good), near="json.duplicate-key", facts={"value": {"o": members}}
    )


# --- json.depth


def arrays(depth: int) -> str:
    return "[" * depth + "]" * depth


def objects(depth: int) -> str:
    return '{"a":' * (depth - 1) + "{}" + "}" * (depth - 1)


def mixed(depth: int) -> str:
    return '[{"a":' * (depth // 2) + ("[]" if depth % 2 else "0") + "}]" * (depth // 2)


DEPTH = [
    ("arrays", arrays, "65 arrays within each other: the limit counts levels, the 65th is one too many."),
    ("objects", objects, "65 objects within each other: objects count like arrays."),
    ("mixed", mixed, "Arrays and objects in turn share one count; two separate counters see only 33 and 32."),
]
for name, nest, why in DEPTH:
    parse.reject(f"json-depth-65-{name}", "json.depth", "", why, text(nest(65)), retext(nest(64)), tags="boundary")
    parse.accept(
        f"json-depth-64-{name}",
        "64 levels are allowed: `>=` for `>` rejects them." if nest is arrays else f"64 levels of {name} are allowed.",
        text(nest(64)),
        near="json.depth",
        tags="boundary",
    )
parse.reject(
    "json-depth-65-in-second-element",
    "json.depth",
    "",
    "The depth must be counted down at each closing bracket and up again: only the second branch is too deep.",
    text(f"[{arrays(63)},{arrays(64)}]"),
    retext(f"[{arrays(63)},{arrays(63)}]"),
    tags="boundary",
)
parse.reject(
    "json-depth-10000",
    "json.depth",
    "",
    "A recursive reader without a limit overflows the stack and dies instead of answering.",
    text(arrays(10_000)),
    retext(arrays(10)),
    tags="boundary",
)
parse.accept(
    "json-depth-64-siblings",
    "A counter that is not lowered at a closing bracket adds up siblings and rejects a flat text.",
    text(f"[{','.join(['[]'] * 70)}]"),
    near="json.depth",
    tags="boundary",
)
parse.accept(
    "json-depth-brackets-in-string",
    "Brackets inside a string do not nest: a scan that counts bytes rejects this.",
    text('"' + "[" * 70 + '"'),
    near="json.depth",
    facts={"value": {"s": "[" * 70}},
)


# --- json.number-range

RANGE = [
    ("1e400", "1e400", MAX, "strtod and Python's float() give infinity without a fault."),
    ("minus-1e400", "-1e400", f"-{MAX}", "Minus infinity is as bad; `x > MAX` alone misses it."),
    (
        "just-above",
        "1.7976931348623159e308",
        MAX,
        "This lies above the middle of the largest binary64 and 2^1024 and rounds to infinity.",
    ),
    (
        "halfway",
        str(HALFWAY_TO_INFINITY),
        str(HALFWAY_TO_INFINITY - 1),
        "Exactly in the middle; ties to even is up here, so infinite.",
    ),
    (
        "integer-5000-digits",
        "1" + "0" * 4999,
        "1" + "0" * 308,
        "Python reads it as an int and refuses or keeps it; its nearest binary64 is infinite.",
    ),
    (
        "exponent-overflows-int64",
        "1e99999999999999999999",
        "1e99",
        "An exponent kept in 32 or 64 bits wraps round and gives zero.",
    ),
    ("exponent-wraps-to-zero", "1e4294967296", "1e0", "2^32 as an exponent wraps to 0 in 32 bits and gives 1."),
    ("in-object", '{"a":[0,1e309]}', '{"a":[0,1e308]}', "Checked for each number, however deep."),
    (
        "shifted-point",
        "0." + "0" * 400 + "1e710",
        "0." + "0" * 400 + "1e709",
        "Digits and exponent must be taken together: 1e309 in other words.",
    ),
    (
        "70000-zeros",
        "0." + "0" * 70000 + "1e70310",
        "0." + "0" * 70000 + "1e70309",
        "Zeros behind the point that are counted in 16 bits, or up to some limit, make another power of ten.",
    ),
]
for name, bad, good, why in RANGE:
    parse.reject(f"json-number-range-{name}", "json.number-range", "", why, text(bad), retext(good), tags="overflow")

MAX_BITS, MIN_NORMAL_BITS = "7fefffffffffffff", "0010000000000000"
NEAR_RANGE = [
    ("max", MAX, MAX_BITS, "The largest binary64 itself is finite."),
    (
        "just-below-halfway",
        "1.7976931348623158e308",
        MAX_BITS,
        "Above the largest binary64 but below the middle to 2^1024: rounds down and is finite.",
    ),
    (
        "integer-below-halfway",
        str(HALFWAY_TO_INFINITY - 1),
        MAX_BITS,
        "309 digits, one below the middle: every digit counts, and the value is finite.",
    ),
    ("minus-max", "-1.7976931348623157e308", "ffefffffffffffff", "The most negative binary64 is finite."),
    ("integer-309-digits", "1" + "0" * 308, "7fe1ccf385ebc8a0", "A long integer text is a Number: 1e308 written out."),
    (
        "zero-huge-exponent",
        "0e99999999999999999999",
        "0000000000000000",
        "Zero times any power of ten is zero, even where the exponent overflows a machine integer.",
    ),
    (
        "many-zeros-huge-exponent",
        "0." + "0" * 400 + "1e401",
        "3ff0000000000000",
        "The exponent alone is out of range, the number is 1.",
    ),
    (
        "long-digits-negative-exponent",
        "1" + "0" * 400 + "e-400",
        "3ff0000000000000",
        "The digits alone overflow, the number is 1.",
    ),
    (
        "70000-zeros",
        "0." + "0" * 70000 + "1e70001",
        "3ff0000000000000",
        "Zeros behind the point that are counted in 16 bits, or up to some limit, make another power of ten.",
    ),
    (
        "70000-digits",
        "1" + "0" * 70000 + "e-70000",
        "3ff0000000000000",
        "Digits before the point that are counted in 16 bits, or up to some limit, make another power of ten.",
    ),
    ("underflow", "1e-400", "0000000000000000", "Too small is read as zero, which is no fault."),
    ("underflow-negative", "-1e-400", "8000000000000000", "Too small and negative is minus zero."),
    (
        "underflow-huge-exponent",
        "1e-99999999999999999999",
        "0000000000000000",
        "A negative exponent that overflows a machine integer gives zero, not infinity.",
    ),
]
for name, good, bits, why in NEAR_RANGE:
    parse.accept(
        f"json-number-range-near-{name}",
        why,
        text(good),
        near="json.number-range",
        facts={"value": {"n": bits}},
        tags="overflow",
    )


# --- numbers: read to the nearest binary64, ties to even

ROUNDING = [
    (
        "above-2-53",
        "9007199254740993",
        "4340000000000000",
        "2^53+1 lies in the middle and goes to the even 2^53; not an Integer, so tagged n.",
    ),
    (
        "above-2-53-odd",
        "9007199254740995",
        "4340000000000002",
        "2^53+3 lies in the middle and goes up to the even neighbour: always-down is wrong here.",
    ),
    (
        "halfway-above-one",
        "1.00000000000000011102230246251565404236316680908203125",
        "3ff0000000000000",
        "1+2^-53 exactly: 54 digits decide that it is a tie, and even is 1.",
    ),
    (
        "just-above-halfway",
        "1.00000000000000011102230246251565404236316680908203126",
        "3ff0000000000001",
        "The last of 54 digits lifts it over the middle; a reader of 17 or 19 digits does not see it.",
    ),
    (
        "just-below-halfway",
        "1.00000000000000011102230246251565404236316680908203124",
        "3ff0000000000000",
        "The last of 54 digits keeps it under the middle.",
    ),
    (
        "halfway-below-one",
        "0.999999999999999944488848768742172978818416595458984375",
        "3ff0000000000000",
        "1-2^-54 exactly: the tie goes up to the even 1.",
    ),
    ("1e23", "1e23", "44b52d02c7e14af6", "Multiplying 1 by 10 23 times is off by one ulp."),
    ("9e22", "9.0e22", "44b30ee8e7179044", "Within the fast path only if 10^22 is exact and nothing is rounded twice."),
    ("0-1", "0.1", "3fb999999999999a", "A tenth, the nearest one."),
    ("0-3", "0.3", "3fd3333333333333", "Three tenths is not three times the nearest tenth."),
    ("min-normal", "2.2250738585072014e-308", MIN_NORMAL_BITS, "The smallest normal number."),
    (
        "java-hang",
        "2.2250738585072012e-308",
        MIN_NORMAL_BITS,
        "Java's parser looped for ever on this text (CVE-2010-4476).",
    ),
    (
        "php-hang",
        "2.2250738585072011e-308",
        "000fffffffffffff",
        "PHP's parser looped for ever on this text (CVE-2010-4645); it is the largest subnormal.",
    ),
    ("min-subnormal", "5e-324", "0000000000000001", "The smallest subnormal number; flush-to-zero loses it."),
    ("min-subnormal-4-9", "4.9e-324", "0000000000000001", "Java prints the smallest subnormal so."),
    (
        "half-subnormal-below",
        "2.4703282292062327e-324",
        "0000000000000000",
        "A little below half of the smallest subnormal: zero.",
    ),
    (
        "half-subnormal-above",
        "2.4703282292062328e-324",
        "0000000000000001",
        "A little above half of the smallest subnormal: rounds up.",
    ),
    ("minus-half-subnormal", "-2.4703282292062327e-324", "8000000000000000", "Rounds to zero and keeps its sign."),
    (
        "subnormal-tie",
        "7.4109846876186982e-324",
        "0000000000000002",
        "Just above one and a half times the smallest subnormal.",
    ),
    (
        "subnormal-ulp",
        "3e-323",
        "0000000000000006",
        "Six times the smallest subnormal: precision is lost, order is not.",
    ),
    (
        "long-fraction",
        "0." + "3" * 800,
        "3fd5555555555555",
        "800 digits must neither overflow a buffer nor an accumulator.",
    ),
    (
        "long-zeros-then-one",
        "1." + "0" * 800 + "1",
        "3ff0000000000000",
        "A last digit far beyond the precision changes nothing here.",
    ),
    (
        "halfway-far-digit",
        "9007199254740993." + "0" * 800 + "1",
        "4340000000000001",
        "Digit 817 breaks the tie: a reader that cuts after 768 digits must remember that more followed.",
    ),
    ("uint64-wraps", "18446744073709551616", "43f0000000000000", "2^64 wraps to 0 in an unsigned 64-bit accumulator."),
    (
        "int64-below-min",
        "-9223372036854775809",
        "c3e0000000000000",
        "Below the smallest 64-bit integer: must not become positive.",
    ),
    (
        "thirty-digits",
        "123456789012345678901234567890",
        "45f8ee90ff6c373e",
        "An integer text of any length is a Number, read to the nearest.",
    ),
    (
        "lemire-9214843084008499",
        "9214843084008499",
        "43405e6cec57761a",
        "A tie between two doubles above 2^53 (fast_float's tests).",
    ),
    (
        "seventeen-digits",
        "0.30000000000000004",
        "3fd3333333333334",
        "Seventeen digits tell neighbours apart; fifteen do not.",
    ),
    (
        "trailing-zeros",
        "0.10000000000000000000000000000000000000",
        "3fb999999999999a",
        "Zeros at the end of a fraction must not be counted into the exponent.",
    ),
    ("exponent-zeros", "1e0000000000000000001", "4024000000000000", "Leading zeros are allowed in an exponent."),
    ("exponent-capital-plus", "1E+2", "4059000000000000", "Capital E and a plus in the exponent are fine."),
    ("negative-exponent", "25e-1", "4004000000000000", "25 tenths: an exponent without a fraction."),
]
for name, good, bits, why in ROUNDING:
    parse.accept(f"json-number-{name}", why, text(good), facts={"value": {"n": bits}}, tags="number")

INTEGERS = [
    ("max", "9007199254740991", {"i": "9007199254740991"}, "2^53-1 is the largest Integer."),
    (
        "above-max",
        "9007199254740992",
        {"n": "4340000000000000"},
        "2^53 is a Number but no Integer: `<= 2^53` tags it wrongly.",
    ),
    ("min", "-9007199254740991", {"i": "-9007199254740991"}, "-(2^53-1) is the smallest Integer."),
    ("below-min", "-9007199254740992", {"n": "c340000000000000"}, "-2^53 is a Number but no Integer."),
    ("minus-zero", "-0", {"i": "-0"}, "The Integer 0 with its sign in the text; as an int it would come back as 0."),
    ("minus-zero-point", "-0.0", {"n": "8000000000000000"}, "With a fraction it is no Integer, and the sign survives."),
    (
        "minus-zero-exponent",
        "-0e0",
        {"n": "8000000000000000"},
        "With an exponent it is no Integer, and the sign survives.",
    ),
    (
        "one-point-zero",
        "1.0",
        {"n": "3ff0000000000000"},
        "A fraction makes it a Number that is no Integer, though its value is whole.",
    ),
    (
        "one-exponent",
        "1e0",
        {"n": "3ff0000000000000"},
        "An exponent makes it a Number that is no Integer, though its value is whole.",
    ),
    ("zero", "0", {"i": "0"}, "A zero alone is not a leading zero."),
]
for name, good, value, why in INTEGERS:
    parse.accept(f"json-integer-{name}", why, text(good), facts={"value": value}, tags="number boundary")


# --- values and strings

VALUES = [
    ("null", "null", {"z": None}, "A bare literal is a JSON text since RFC 7159."),
    ("true", "true", {"b": True}, "A bare literal is a JSON text; in Python True is an int, the tag must not say so."),
    (
        "false",
        "[false,0]",
        {"a": [{"b": False}, {"i": "0"}]},
        "false and 0 are equal in Python and must not be confused.",
    ),
    ("string-empty", '""', {"s": ""}, "The empty string is a text of two characters."),
    ("array-empty", "[ ]", {"a": []}, "White space between empty brackets."),
    ("object-empty", "{ }", {"o": []}, "White space between empty braces; an object without members is not an array."),
    (
        "white-space-everywhere",
        ' \t\r\n{ "a" \n:\t[ 1 ,\r2 ] } \n',
        {"o": [["a", {"a": [{"i": "1"}, {"i": "2"}]}]]},
        "Exactly four characters are white space, before and after every token.",
    ),
    (
        "nested-empty",
        '[[],{},[{}],""]',
        {"a": [{"a": []}, {"o": []}, {"a": [{"o": []}]}, {"s": ""}]},
        "Julia tells Any[] from other empty vectors; the answer must not.",
    ),
]
for name, good, value, why in VALUES:
    parse.accept(f"json-value-{name}", why, text(good), near="json.syntax", facts={"value": value}, source=GRAMMAR)

STRINGS = [
    ("all-escapes", '"\\"\\\\\\/\\b\\f\\n\\r\\t\\u0041"', '"\\/\b\f\n\r\tA', "All nine escapes in one string."),
    ("escaped-nul", '"a\\u0000b"', "a\x00b", "A NUL in a string is three characters long, not one."),
    ("escaped-control", '"\\u001f\\u007f"', "\x1f\x7f", "Escaped control characters are fine."),
    ("raw-del", '"\x7f"', "\x7f", "DEL is above U+0020 and may stand raw: `iscntrl` says otherwise."),
    ("raw-space", '" "', " ", "U+0020 is the first that may stand raw: `<= 0x20` rejects it."),
    (
        "line-separators",
        '"\u2028\u2029"',
        "\u2028\u2029",
        "U+2028 and U+2029 may stand raw in JSON; str.splitlines cuts the line there.",
    ),
    (
        "next-line",
        '"\u0085"',
        "\u0085",
        "U+0085 ends a line for str.splitlines, and then a JSON Lines reader is out of step.",
    ),
    ("hex-case", '"\\u00e9\\u00E9"', "\u00e9\u00e9", "Hex digits in either case."),
    ("escaped-slash", '"<\\/script>"', "</script>", "An escaped slash loses its backslash."),
    ("astral-raw", '"\U0001f600"', "\U0001f600", "A raw astral character stays one code point."),
    ("not-normalised", '"e\u0301"', "e\u0301", "A reader that normalises strings turns two code points into one."),
    ("backslash-before-quote", '"\\\\"', "\\", "The quote after an escaped backslash closes the string."),
    ("escaped-noncharacter", '"\\uffff\\ufffe"', "\uffff\ufffe", "Noncharacters may be escaped too."),
    (
        "comment-like",
        '"// no /* comment */ # here"',
        "// no /* comment */ # here",
        "What looks like a comment inside a string is text.",
    ),
]
for name, good, value, why in STRINGS:
    parse.accept(
        f"json-string-{name}",
        why,
        text(good),
        near="json.syntax",
        facts={"value": {"s": value}},
        tags="unicode",
        source=STRING,
    )


# --- several JSON faults: only the verdict counts


def several(name: str, why: str, bad: str, first: tuple[str, str], second: tuple[str, str]) -> None:
    """Declare a text with two faults; each pair is a code and the text in which that fault is gone as well."""
    faults = [(code, "", retext(good)) for code, good in (first, second)]
    parse.precedence(name, why, text(bad), faults, any_json=True)


several(
    "json-several-duplicate-key-and-range",
    "A streaming reader meets the number first, one that builds objects first the key: either code will do.",
    '{"a":1e400,"a":1}',
    ("json.number-range", '{"a":1,"a":1}'),
    ("json.duplicate-key", '{"a":1}'),
)
several(
    "json-several-syntax-and-surrogate",
    "The string is at fault before the missing bracket is noticed, unless tokens are made first: either code will do.",
    '["\\ud800"',
    ("json.surrogate", '["\\ud83d\\ude00"'),
    ("json.syntax", '["\\ud83d\\ude00"]'),
)
several(
    "json-several-bom-and-comma",
    "A reader that decodes first says encoding, one that skips the mark says syntax: either code will do.",
    "\ufeff[1,]",
    ("json.encoding", "[1,]"),
    ("json.syntax", "[1]"),
)
several(
    "json-several-depth-and-unclosed",
    "Too deep and never closed: a reader that checks depth as it goes never sees the end: either code will do.",
    "[" * 65,
    ("json.depth", "[" * 64),
    ("json.syntax", "[]"),
)
several(
    "json-several-depth-and-range",
    "An infinite number below level 65: either code will do.",
    "[" * 65 + "1e400" + "]" * 65,
    ("json.depth", "[1e400]"),
    ("json.number-range", "[1]"),
)
several(
    "json-several-duplicate-key-and-surrogate",
    "The unpaired surrogate comes after the repeated key, but within the same object: either code will do.",
    '{"a":1,"a":"\\udc00"}',
    ("json.duplicate-key", '{"a":1,"b":"\\udc00"}'),
    ("json.surrogate", '{"a":1,"b":""}'),
)
parse.precedence(
    "json-several-cut-character",
    "The text ends inside a character and a string: a decoder that reads past the end crashes; either code will do.",
    raw(b'"a\xe2\x82'),
    [("json.encoding", "", reraw(b'"a')), ("json.syntax", "", reraw(b'"a"'))],
    any_json=True,
)
