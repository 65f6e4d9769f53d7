"""Philox4x32-10, a counter-based generator, and the Bernoulli spike trains that are made of it.

Salmon et al. 2011, "Parallel random numbers: as easy as 1, 2, 3"; known answers from the Random123 distribution.
"""

comptime Words = SIMD[DType.uint32, 4]
comptime Key = SIMD[DType.uint32, 2]


def philox4x32(counter: Words, key: Key) -> Words:
    """Computes four random words.

    Args:
        counter: Four words, low word first.
        key: Two words, low word first.

    Returns:
        The output of ten rounds.
    """
    var words = counter
    var round_key = key
    comptime for _ in range(10):
        var left = UInt64(0xD2511F53) * UInt64(words[0])
        var right = UInt64(0xCD9E8D57) * UInt64(words[2])
        words = Words(
            UInt32(right >> 32) ^ words[1] ^ round_key[0],
            UInt32(right & 0xFFFFFFFF),
            UInt32(left >> 32) ^ words[3] ^ round_key[1],
            UInt32(left & 0xFFFFFFFF),
        )
        round_key += Key(0x9E3779B9, 0xBB67AE85)
    return words


def halves(value: Int) -> Key:
    """Splits a number into 32-bit words.

    Args:
        value: 0 to 2^64 - 1.

    Returns:
        The low word and the high one.
    """
    return Key(UInt32(UInt64(value) & 0xFFFFFFFF), UInt32(UInt64(value) >> 32))


struct SpikeTrain(Copyable):
    """The spikes of one sample: input i fires at step t where its word lies below rate × 2^32."""

    var bounds: List[Float64]
    """rate × 2^32, which is exact, per input."""
    var key: Key
    """The seed."""
    var sample: Key
    """The number of the sample."""

    def __init__(out self, rates: Span[Float64, _], seed: Int, sample: Int):
        """Prepares the trains.

        Args:
            rates: The probability of a spike per step, within 0 and 1, one per input.
            seed: 0 to 2^53 - 1.
            sample: 0 to 2^53 - 1.
        """
        self.bounds = List[Float64](capacity=len(rates))
        for rate in rates:
            self.bounds.append(rate * 4294967296.0)
        self.key = halves(seed)
        self.sample = halves(sample)

    def step(self, step: Int, mut active: List[Int]):
        """Draws the spikes of a step.

        Args:
            step: The number of the step, from 0.
            active: Receives the inputs that fire, ascending.
        """
        active.clear()
        var words = Words(0)
        for i in range(len(self.bounds)):
            if i % 4 == 0:
                var counter = Words(
                    UInt32(step), UInt32(i // 4), self.sample[0], self.sample[1]
                )
                words = philox4x32(counter, self.key)
            if Float64(words[i % 4]) < self.bounds[i]:
                active.append(i)
