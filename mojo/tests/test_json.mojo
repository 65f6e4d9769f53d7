"""Tests of the JSON reader: what it accepts, which rule it names, and how it rounds."""

from std.memory import bitcast
from std.testing import TestSuite, assert_equal, assert_false, assert_true

from spikeparity.document import Document, Kind
from spikeparity.encoding import copied, decode_base64, is_utf8
from spikeparity.json import read_json
from spikeparity.rules import MAX_DEPTH, MAX_REQUEST_DEPTH


def read(text: StringSpan) raises -> Document:
    """Reads a text that is due to be accepted."""
    try:
        return read_json(copied(text.as_bytes()), MAX_DEPTH)
    except rejection:
        raise Error("rejected: ", rejection)


def code(text: Span[UInt8, _], max_depth: Int = MAX_DEPTH) -> String:
    """Names the rule that a text breaks."""
    try:
        _ = read_json(copied(text), max_depth)
        return "accepted"
    except rejection:
        return String(rejection.code)


def code(text: StringSpan, max_depth: Int = MAX_DEPTH) -> String:
    """Names the rule that a text breaks."""
    return code(text.as_bytes(), max_depth)


def bits(text: StringSpan) raises -> UInt64:
    """Reads a number and returns its bit pattern."""
    return bitcast[DType.uint64](read(text).nodes[0].value)


def test_nodes_stand_in_document_order() raises:
    var document = read(' {"b" : [1, -2.5], "a":{}} ')
    assert_equal(len(document.nodes), 7)
    assert_equal(document.text(1), "b")
    assert_equal(document.end(2), 5)
    assert_equal(document.text(5), "a")
    assert_true(document.is_object(6))
    assert_equal(document.size(0), 2)
    assert_equal(document.pointer(4), "/b/1")


def test_pointers_escape_tilde_and_slash() raises:
    var document = read('{"a/b":{"~":[null]}}')
    assert_equal(document.pointer(5), "/a~1b/~0/0")
    document.root = 2
    assert_equal(document.pointer(5), "/~0/0")


def test_literals() raises:
    assert_equal(read("null").kind(0), Kind.NULL)
    assert_true(read("true").boolean(0).value())
    assert_false(read("false").boolean(0).value())


def test_strings_are_unescaped() raises:
    var document = read(
        '["", "plain é", "\\"\\\\\\/\\b\\f\\n\\r\\t", "\\u0041\\u00e9\\u20ac\\ud83d\\ude00 end"]'
    )
    assert_equal(document.text(1), "")
    assert_equal(document.text(2), "plain é")
    assert_equal(document.text(3), '"\\/\b\f\n\r\t')
    assert_equal(document.text(4), "Aé€😀 end")
    assert_equal(read('"\\u0000"').size(0), 1)


def test_integers_are_those_of_the_contract() raises:
    assert_equal(read("9007199254740991").integer(0).value(), 9007199254740991)
    assert_equal(read("-0").integer(0).value(), 0)
    assert_equal(bits("-0"), 0x8000000000000000)
    for text in [
        "9007199254740992",
        "-9007199254740992",
        "2.0",
        "1e3",
        "true",
        '"1"',
        "123456789012345678901234567890",
    ]:
        assert_false(Bool(read(text).integer(0)), String(text))


def test_strings_for_what_json_cannot_carry_are_numbers() raises:
    assert_true(
        read('"NaN"').number(0).value() != read('"NaN"').number(0).value()
    )
    assert_true(read('"-Infinity"').number(0).value() < -1e308)
    assert_false(Bool(read('"nan"').number(0)))
    assert_false(Bool(read("true").number(0)))


def test_numbers_are_rounded_to_nearest_even() raises:
    assert_equal(bits("9007199254740993"), 0x4340000000000000)
    assert_equal(
        bits("9007199254740993.0000000000000000000000000000001"),
        0x4340000000000001,
    )
    assert_equal(bits("4.9406564584124654e-324"), 1)
    assert_equal(bits("2.4703282292062327e-324"), 0)
    assert_equal(bits("2.4703282292062328e-324"), 1)
    assert_equal(bits("-1e-400"), 0x8000000000000000)
    assert_equal(bits("2.2250738585072011e-308"), 0x000FFFFFFFFFFFFF)
    assert_equal(bits("1.7976931348623158e308"), 0x7FEFFFFFFFFFFFFF)
    assert_equal(bits("0.1e1"), 0x3FF0000000000000)


def test_halfway_cases_of_any_length() raises:
    # 1 + 2^-53 lies halfway; one more digit, 900 places on, decides.
    var half = String("1.00000000000000011102230246251565404236316680908203125")
    assert_equal(bits(half), 0x3FF0000000000000)
    assert_equal(bits(half + "0" * 900 + "1"), 0x3FF0000000000001)
    assert_equal(bits("1" + "0" * 400 + "e-400"), 0x3FF0000000000000)


def test_number_range() raises:
    for text in [
        "1.7976931348623159e308",
        "-1e400",
        "1e99999999999999999999",
        "[" + "9" * 5000 + "]",
    ]:
        assert_equal(code(text), "json.number-range", String(text))
    assert_equal(bits("0e99999999999999999999"), 0)


def test_syntax() raises:
    for text in [
        "",
        " ",
        "NaN",
        "-Infinity",
        "// c\n1",
        "[1,]",
        '{"a":1,}',
        "01",
        "-01",
        "+1",
        "1.",
        ".5",
        "1e",
        "1e+",
        "-",
        "0x10",
        '"a',
        '"\t"',
        '"\\x"',
        '"\\u12g4"',
        "1 2",
        "[1",
        "{",
        '{"a"}',
        '{"a":}',
        "{a:1}",
        "nul",
        "truee",
        "[1}",
        "'a'",
        '"\\',
        '"\\u',
        "[,1]",
        "\v1",
        "\0",
        "1\0",
        '"\0"',
    ]:
        assert_equal(
            code(text), "json.syntax", String("text ", repr(String(text)))
        )


def test_surrogates() raises:
    for text in [
        '"\\ud800"',
        '"\\udc00"',
        '"\\ud800\\u0041"',
        '"\\ud800x"',
        '"\\ud800\\n"',
        '"\\udc00\\ud800"',
    ]:
        assert_equal(code(text), "json.surrogate", String(text))
    assert_equal(read('"\\ud800\\udc00\\udbff\\udfff"').text(0), "𐀀􏿿")


def test_duplicate_keys_are_found_in_small_and_large_objects() raises:
    assert_equal(code('{"a":1,"\\u0061":2}'), "json.duplicate-key")
    assert_equal(code('{"é":1,"e\u0301":2}'), "accepted")
    assert_equal(code('[{"a":1},{"a":2}]'), "accepted")
    var members = String('"k":0')
    for i in range(20):
        members += String(',"', i, '":{"k":1}')
    assert_equal(code("{" + members + "}"), "accepted")
    assert_equal(code("{" + members + ',"\\u006b":1}'), "json.duplicate-key")


def test_depth() raises:
    assert_equal(code("[" * 64 + "]" * 64), "accepted")
    assert_equal(code("[" * 65 + "]" * 65), "json.depth")
    assert_equal(code('{"a":' * 64 + "1" + "}" * 64), "accepted")
    assert_equal(code('{"a":' * 65 + "1" + "}" * 65), "json.depth")
    assert_equal(code("[" * 100000), "json.depth")
    assert_equal(code("[" * 128 + "]" * 128, MAX_REQUEST_DEPTH), "accepted")
    assert_equal(code("[" * 129 + "]" * 129, MAX_REQUEST_DEPTH), "json.depth")


def utf8(*bytes: UInt8) -> Bool:
    """Validates bytes between letters, once alone and once after a whole vector of them."""
    var text: List[UInt8] = [97]
    for byte in bytes:
        text.append(byte)
    var long = List[UInt8](length=100, fill=97)
    long.extend(Span(text))
    text.append(97)
    return is_utf8(text) and is_utf8(long)


def test_utf8() raises:
    assert_true(
        utf8(0xC2, 0x80)
        and utf8(0xDF, 0xBF)
        and utf8(0xE0, 0xA0, 0x80)
        and utf8(0xED, 0x9F, 0xBF)
    )
    assert_true(
        utf8(0xEE, 0x80, 0x80)
        and utf8(0xF0, 0x90, 0x80, 0x80)
        and utf8(0xF4, 0x8F, 0xBF, 0xBF)
    )
    assert_false(
        utf8(0x80)
        or utf8(0xC0, 0x80)
        or utf8(0xC1, 0xBF)
        or utf8(0xC2)
        or utf8(0xC2, 0x41)
    )
    assert_false(
        utf8(0xE0, 0x9F, 0xBF)
        or utf8(0xED, 0xA0, 0x80)
        or utf8(0xE1, 0x80)
        or utf8(0xE1, 0x80, 0xC0)
    )
    assert_false(
        utf8(0xF0, 0x8F, 0xBF, 0xBF)
        or utf8(0xF4, 0x90, 0x80, 0x80)
        or utf8(0xF5, 0x80, 0x80, 0x80)
    )
    assert_false(utf8(0xF1, 0x80, 0x80) or utf8(0xFF))


def test_encoding() raises:
    assert_equal(code([UInt8(0x22), 0xFF, 0x22]), "json.encoding")
    assert_equal(code([UInt8(0xEF), 0xBB, 0xBF, 0x31]), "json.encoding")
    assert_equal(code("\ufeff"), "json.encoding")
    assert_equal(code('"\ufeff"'), "accepted")


def test_base64() raises:
    assert_equal(String(from_utf8=decode_base64("".as_bytes())), "")
    assert_equal(String(from_utf8=decode_base64("YQ==".as_bytes())), "a")
    assert_equal(String(from_utf8=decode_base64("YWI=".as_bytes())), "ab")
    assert_equal(String(from_utf8=decode_base64("YWJj".as_bytes())), "abc")
    var high = decode_base64("+/8A".as_bytes())
    assert_true(high[0] == 0xFB and high[1] == 0xFF and high[2] == 0)
    for text in ["YQ", "Y===", "YQ=a", "Y!==", "===="]:
        try:
            _ = decode_base64(text.as_bytes())
        except:
            continue
        raise Error("accepted ", text)


def test_messages_name_what_is_there() raises:
    var message = String()
    try:
        _ = read_json(copied("[1,]".as_bytes()), MAX_DEPTH)
    except rejection:
        message = rejection.message
    assert_equal(message, "document: expected a value, got ']' at byte 3")


def main() raises:
    TestSuite.discover_tests[__functions_in_module()]().run()
