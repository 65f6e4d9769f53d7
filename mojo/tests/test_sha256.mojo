"""Tests of SHA-256 and of the system's zlib: known answers, and parts of any length."""

from std.testing import TestSuite, assert_equal

from spikeparity.sha256 import Sha256, sha256
from spikeparity.zlib import STREAM_END, Crc, Stream


def test_known_answers() raises:
    # FIPS 180-2, appendix B, and the empty message of the NIST test vectors.
    assert_equal(
        sha256("".as_bytes()),
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    )
    assert_equal(
        sha256("abc".as_bytes()),
        "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
    )
    assert_equal(
        sha256(
            "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq".as_bytes()
        ),
        "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1",
    )
    assert_equal(
        sha256(List[UInt8](length=1000000, fill=UInt8(ord("a")))),
        "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0",
    )


def test_parts_of_any_length_make_the_same_digest() raises:
    var data: List[UInt8] = []
    for i in range(300):
        data.append(UInt8(i * 7 % 251))
    for part in [1, 55, 56, 63, 64, 65, 127, 128, 299]:
        var digest = Sha256()
        for at in range(0, len(data), part):
            digest.update(Span(data)[at : min(at + part, len(data))])
        assert_equal(digest.finish(), sha256(data), String("parts of ", part))


def test_crc_32_of_the_check_string() raises:
    var crc = Crc()
    crc.update("1234".as_bytes())
    crc.update("".as_bytes())
    crc.update("56789".as_bytes())
    assert_equal(crc.value, 0xCBF43926)


def test_what_is_deflated_is_inflated() raises:
    var data = List[UInt8](length=100000, fill=3)
    var packed = List[UInt8](length=1000, fill=0)
    var deflater = Stream(inflates=False)
    var deflated = deflater.run(data, packed, True)
    assert_equal(deflated.code, Int(STREAM_END))
    var unpacked = List[UInt8](length=100001, fill=0)
    var inflater = Stream(inflates=True)
    var inflated = inflater.run(Span(packed)[0 : deflated.produced], unpacked)
    assert_equal(inflated.produced, 100000)
    assert_equal(inflated.consumed, deflated.produced)
    assert_equal(unpacked[99999], 3)


def main() raises:
    TestSuite.discover_tests[__functions_in_module()]().run()
