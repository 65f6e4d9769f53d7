"""SHA-256 (FIPS 180-4), fed in parts."""

comptime BLOCK = 64
comptime HEX = "0123456789abcdef"


def _constants() -> List[UInt32]:
    """Lists the first 32 bits of the fractional parts of the cube roots of the first 64 primes."""
    return [
        0x428A2F98,
        0x71374491,
        0xB5C0FBCF,
        0xE9B5DBA5,
        0x3956C25B,
        0x59F111F1,
        0x923F82A4,
        0xAB1C5ED5,
        0xD807AA98,
        0x12835B01,
        0x243185BE,
        0x550C7DC3,
        0x72BE5D74,
        0x80DEB1FE,
        0x9BDC06A7,
        0xC19BF174,
        0xE49B69C1,
        0xEFBE4786,
        0x0FC19DC6,
        0x240CA1CC,
        0x2DE92C6F,
        0x4A7484AA,
        0x5CB0A9DC,
        0x76F988DA,
        0x983E5152,
        0xA831C66D,
        0xB00327C8,
        0xBF597FC7,
        0xC6E00BF3,
        0xD5A79147,
        0x06CA6351,
        0x14292967,
        0x27B70A85,
        0x2E1B2138,
        0x4D2C6DFC,
        0x53380D13,
        0x650A7354,
        0x766A0ABB,
        0x81C2C92E,
        0x92722C85,
        0xA2BFE8A1,
        0xA81A664B,
        0xC24B8B70,
        0xC76C51A3,
        0xD192E819,
        0xD6990624,
        0xF40E3585,
        0x106AA070,
        0x19A4C116,
        0x1E376C08,
        0x2748774C,
        0x34B0BCB5,
        0x391C0CB3,
        0x4ED8AA4A,
        0x5B9CCA4F,
        0x682E6FF3,
        0x748F82EE,
        0x78A5636F,
        0x84C87814,
        0x8CC70208,
        0x90BEFFFA,
        0xA4506CEB,
        0xBEF9A3F7,
        0xC67178F2,
    ]


def _rotated(x: UInt32, bits: UInt32) -> UInt32:
    """Rotates to the right."""
    return x >> bits | x << (32 - bits)


struct Sha256(Movable):
    """A digest in the making."""

    var state: List[UInt32]
    """The eight words of the hash so far."""
    var constants: List[UInt32]
    """One per round."""
    var schedule: List[UInt32]
    """The 64 words of the block at hand."""
    var rest: List[UInt8]
    """What is not yet a whole block."""
    var size: UInt64
    """Bytes so far."""

    def __init__(out self):
        """Starts with no bytes."""
        self.state = [
            0x6A09E667,
            0xBB67AE85,
            0x3C6EF372,
            0xA54FF53A,
            0x510E527F,
            0x9B05688C,
            0x1F83D9AB,
            0x5BE0CD19,
        ]
        self.constants = _constants()
        self.schedule = List[UInt32](length=64, fill=0)
        self.rest = []
        self.size = 0

    def update(mut self, data: Span[UInt8, _]):
        """Takes further bytes.

        Args:
            data: The bytes.
        """
        self.size += UInt64(len(data))
        var at = 0
        if len(self.rest) > 0:
            at = min(BLOCK - len(self.rest), len(data))
            self.rest.extend(data[0:at])
            if len(self.rest) < BLOCK:
                return
            var block = self.rest.copy()
            self._block(block, 0)
            self.rest.clear()
        while at + BLOCK <= len(data):
            self._block(data, at)
            at += BLOCK
        self.rest.extend(data[at : len(data)])

    def finish(mut self) -> String:
        """Ends the digest, which cannot be used after that.

        Returns:
            Its 64 hexadecimal digits.
        """
        var bits = self.size * 8
        var padding: List[UInt8] = [0x80]
        while (len(self.rest) + len(padding)) % BLOCK != 56:
            padding.append(0)
        for shift in range(56, -1, -8):
            padding.append(UInt8(bits >> UInt64(shift) & 0xFF))
        self.update(padding)
        var digits = String()
        for word in self.state:
            for shift in range(28, -1, -4):
                var digit = Int(word >> UInt32(shift) & 15)
                digits += HEX[byte = digit : digit + 1]
        return digits^

    def _block(mut self, data: Span[UInt8, _], at: Int):
        """Takes the 64 bytes from `at` on."""
        var w = self.schedule.unsafe_ptr()
        var k = self.constants.unsafe_ptr()
        var bytes = data.unsafe_ptr().unsafe_offset(at)
        for i in range(16):
            var word = UInt32(0)
            comptime for j in range(4):
                word = word << 8 | UInt32(bytes[unsafe_offset=4 * i + j])
            w[unsafe_offset=i] = word
        for i in range(16, 64):
            var x = w[unsafe_offset=i - 15]
            var y = w[unsafe_offset=i - 2]
            var low = _rotated(x, 7) ^ _rotated(x, 18) ^ x >> 3
            var high = _rotated(y, 17) ^ _rotated(y, 19) ^ y >> 10
            w[unsafe_offset=i] = (
                w[unsafe_offset=i - 16] + low + w[unsafe_offset=i - 7] + high
            )
        var a = self.state[0]
        var b = self.state[1]
        var c = self.state[2]
        var d = self.state[3]
        var e = self.state[4]
        var f = self.state[5]
        var g = self.state[6]
        var h = self.state[7]
        for i in range(64):
            var sum1 = _rotated(e, 6) ^ _rotated(e, 11) ^ _rotated(e, 25)
            var choice = (e & f) ^ (~e & g)
            var t = h + sum1 + choice + k[unsafe_offset=i] + w[unsafe_offset=i]
            var sum0 = _rotated(a, 2) ^ _rotated(a, 13) ^ _rotated(a, 22)
            var majority = (a & b) ^ (a & c) ^ (b & c)
            h = g
            g = f
            f = e
            e = d + t
            d = c
            c = b
            b = a
            a = t + sum0 + majority
        self.state[0] += a
        self.state[1] += b
        self.state[2] += c
        self.state[3] += d
        self.state[4] += e
        self.state[5] += f
        self.state[6] += g
        self.state[7] += h


def sha256(data: Span[UInt8, _]) -> String:
    """Digests bytes.

    Args:
        data: The bytes.

    Returns:
        The 64 hexadecimal digits.
    """
    var digest = Sha256()
    digest.update(data)
    return digest.finish()
