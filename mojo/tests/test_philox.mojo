"""Tests of the random numbers against the known answers of Random123, and of the spike trains."""

from std.testing import TestSuite, assert_equal

from spikeparity.philox import Key, SpikeTrain, Words, halves, philox4x32


def test_known_answers() raises:
    assert_equal(
        philox4x32(Words(0), Key(0)),
        Words(0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8),
    )
    assert_equal(
        philox4x32(Words(0xFFFFFFFF), Key(0xFFFFFFFF)),
        Words(0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD),
    )
    assert_equal(
        philox4x32(
            Words(0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344),
            Key(0xA4093822, 0x299F31D0),
        ),
        Words(0xD16CFE09, 0x94FDCCEB, 0x5001E420, 0x24126EA1),
    )


def test_numbers_are_split_low_word_first() raises:
    assert_equal(halves(9007199254740991), Key(0xFFFFFFFF, 0x001FFFFF))


def test_rates_of_one_and_zero() raises:
    var train = SpikeTrain([0.0, 1.0, -0.0, 1.0, 1.0], 7, 0)
    var active: List[Int] = []
    for step in range(50):
        train.step(step, active)
        assert_equal(active, [1, 3, 4])


def test_a_train_follows_its_words() raises:
    # Key and counter are all zero, so the first block is the first known answer.
    var bounds: List[Float64] = []
    for word in [0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8]:
        bounds.append(Float64(word) / 4294967296)
    var active: List[Int] = [5]
    SpikeTrain(bounds, 0, 0).step(0, active)
    assert_equal(len(active), 0)
    bounds[2] += 1 / Float64(4294967296)
    SpikeTrain(bounds, 0, 0).step(0, active)
    assert_equal(active, [2])


def main() raises:
    TestSuite.discover_tests[__functions_in_module()]().run()
