"""Bytes of texts: copies, UTF-8 validation and base64 decoding."""

comptime LANES = 32


def copied(data: Span[UInt8, _]) -> List[UInt8]:
    """Copies bytes in one go, where the constructor of a list takes them one by one.

    Args:
        data: The bytes.

    Returns:
        A list of the same bytes.
    """
    var copy = List[UInt8](capacity=len(data))
    copy.extend(data)
    return copy^


def is_utf8(data: Span[UInt8, _]) -> Bool:
    """Checks for well-formed UTF-8 (RFC 3629: neither surrogates nor overlong forms).

    Args:
        data: The bytes.

    Returns:
        True where every byte belongs to a well-formed sequence.
    """
    var at = 0
    while at < len(data):
        at += _ascii_run(data, at)
        if at == len(data):
            return True
        var length = _sequence_length(data, at)
        if length == 0:
            return False
        at += length
    return True


def _ascii_run(data: Span[UInt8, _], start: Int) -> Int:
    """Counts the ASCII bytes from `start` on; whole vectors first, since most texts are ASCII throughout."""
    var at = start
    while at + LANES <= len(data):
        if data.unsafe_ptr().unsafe_load[LANES](at).reduce_max() >= 0x80:
            break
        at += LANES
    while at < len(data) and data[at] < 0x80:
        at += 1
    return at - start


def _sequence_length(data: Span[UInt8, _], at: Int) -> Int:
    """Measures the well-formed multi-byte sequence at `at`; 0 where there is none."""
    var lead = data[at]
    if lead >= 0xC2 and lead <= 0xDF:
        return 2 if _continues(data, at, 2, 0x80, 0xBF) else 0
    if lead >= 0xE0 and lead <= 0xEF:
        var low = UInt8(0xA0 if lead == 0xE0 else 0x80)
        var high = UInt8(0x9F if lead == 0xED else 0xBF)
        return 3 if _continues(data, at, 3, low, high) else 0
    if lead >= 0xF0 and lead <= 0xF4:
        var low = UInt8(0x90 if lead == 0xF0 else 0x80)
        var high = UInt8(0x8F if lead == 0xF4 else 0xBF)
        return 4 if _continues(data, at, 4, low, high) else 0
    return 0


def _continues(
    data: Span[UInt8, _], at: Int, length: Int, low: UInt8, high: UInt8
) -> Bool:
    """Checks the continuation bytes; only the first one has a range that depends on the lead byte."""
    if at + length > len(data) or data[at + 1] < low or data[at + 1] > high:
        return False
    for i in range(at + 2, at + length):
        if data[i] & 0xC0 != 0x80:
            return False
    return True


def append_code_point(mut text: List[UInt8], code_point: UInt32):
    """Appends the UTF-8 form of a code point.

    Args:
        text: The bytes to extend.
        code_point: A scalar value, at most U+10FFFF.
    """
    if code_point < 0x80:
        text.append(UInt8(code_point))
        return
    if code_point < 0x800:
        text.append(UInt8(0xC0 | (code_point >> 6)))
    else:
        if code_point < 0x10000:
            text.append(UInt8(0xE0 | (code_point >> 12)))
        else:
            text.append(UInt8(0xF0 | (code_point >> 18)))
            text.append(UInt8(0x80 | ((code_point >> 12) & 0x3F)))
        text.append(UInt8(0x80 | ((code_point >> 6) & 0x3F)))
    text.append(UInt8(0x80 | (code_point & 0x3F)))


def decode_base64(text: Span[UInt8, _]) raises -> List[UInt8]:
    """Decodes base64 with padding (RFC 4648, section 4).

    Args:
        text: The letters, without line breaks.

    Returns:
        The bytes.

    Raises:
        Error: Where a letter is outside the alphabet or the padding is wrong.
    """
    if len(text) % 4 != 0:
        raise Error("base64: expected a multiple of 4 letters, got ", len(text))
    var letters = len(text)
    while (
        letters > 0
        and text[letters - 1] == UInt8(ord("="))
        and len(text) - letters < 2
    ):
        letters -= 1
    var data = List[UInt8](capacity=letters * 3 // 4)
    var bits = UInt32(0)
    for i in range(letters):
        bits = bits << 6 | _sextet(text[i])
        if i % 4 != 0:
            data.append(UInt8(bits >> UInt32(6 - i % 4 * 2) & 0xFF))
    return data^


def _sextet(letter: UInt8) raises -> UInt32:
    """Looks up the six bits of a base64 letter."""
    if letter >= UInt8(ord("A")) and letter <= UInt8(ord("Z")):
        return UInt32(letter) - 65
    if letter >= UInt8(ord("a")) and letter <= UInt8(ord("z")):
        return UInt32(letter) - 71
    if letter >= UInt8(ord("0")) and letter <= UInt8(ord("9")):
        return UInt32(letter) + 4
    if letter == UInt8(ord("+")):
        return 62
    if letter == UInt8(ord("/")):
        return 63
    raise Error("base64: byte ", letter, " is outside the alphabet")
