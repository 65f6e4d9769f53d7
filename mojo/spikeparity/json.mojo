"""Strict JSON reader: RFC 8259 texts to documents, each fault with its rule code."""

from std.collections import Set
from std.ffi import external_call

from .document import Document, Kind, Node, shorten
from .encoding import append_code_point, is_utf8
from .rules import Rejection

comptime QUOTE = UInt8(ord('"'))
comptime BACKSLASH = UInt8(ord("\\"))
comptime ZERO = UInt8(ord("0"))
comptime NINE = UInt8(ord("9"))
comptime MINUS = UInt8(ord("-"))


def read_json(
    var text: List[UInt8], max_depth: Int
) raises Rejection -> Document:
    """Reads exactly one JSON value.

    Args:
        text: Bytes that should be UTF-8.
        max_depth: The deepest nesting of arrays and objects.

    Returns:
        The document.

    Raises:
        Rejection: A rule of the stage `json` is broken; the path is empty.
    """
    json_encoding(text)
    # The NUL is a syntax error wherever it is met, so it ends every loop of the reader, and strtod too.
    text.append(0)
    var reader = Reader(text^, max_depth)
    reader.skip_space()
    reader.value(0)
    reader.skip_space()
    if reader.at + 1 != len(reader.text):
        raise reader.syntax("expected the end of the text")
    return reader^.finish()


def json_encoding(text: Span[UInt8, _]) raises Rejection:
    """Raises json.encoding unless the bytes are UTF-8 without a byte-order mark."""
    if (
        len(text) >= 3
        and text[0] == 0xEF
        and text[1] == 0xBB
        and text[2] == 0xBF
    ):
        raise Rejection(
            "json.encoding", "", "document: begins with a byte-order mark"
        )
    if not is_utf8(text):
        raise Rejection(
            "json.encoding", "", "document: is not well-formed UTF-8"
        )


struct Reader:
    """A recursive-descent reader; its recursion is bounded by `max_depth`."""

    var text: List[UInt8]
    """The text and a NUL; strings are unescaped in place, which never makes them longer."""
    var nodes: List[Node]
    """What has been read."""
    var at: Int
    """The next byte."""
    var max_depth: Int
    """The deepest nesting."""

    def __init__(out self, var text: List[UInt8], max_depth: Int):
        """Starts at the first byte.

        Args:
            text: Well-formed UTF-8 and a NUL.
            max_depth: The deepest nesting of arrays and objects.
        """
        self.text = text^
        self.nodes = []
        self.at = 0
        self.max_depth = max_depth

    def finish(deinit self) -> Document:
        """Hands over what has been read.

        Returns:
            The document.
        """
        return Document(self.text^, self.nodes^)

    def peek(self) -> UInt8:
        """Looks at the next byte.

        Returns:
            The byte; 0 at the end of the text.
        """
        return self.text[self.at]

    def fault(self, code: StaticString, reason: StringSpan) -> Rejection:
        """Makes a rejection that says where the reader stands.

        Args:
            code: The rule.
            reason: What is wrong.

        Returns:
            The rejection.
        """
        return Rejection(
            code, "", String("document: ", reason, " at byte ", self.at)
        )

    def syntax(self, reason: StringSpan) -> Rejection:
        """Makes a rejection of the rule json.syntax.

        Args:
            reason: What was expected.

        Returns:
            The rejection, with what is there instead.
        """
        var found = String("byte ", self.peek())
        if self.at + 1 == len(self.text):
            found = "the end"
        elif self.peek() > 0x20 and self.peek() < 0x7F:
            found = String("'", chr(Int(self.peek())), "'")
        return self.fault("json.syntax", String(reason, ", got ", found))

    def skip_space(mut self):
        """Skips white space."""
        while True:
            var byte = self.peek()
            if byte > 0x20 or (
                byte != 0x20 and byte != 0x0A and byte != 0x0D and byte != 0x09
            ):
                return
            self.at += 1

    def value(mut self, depth: Int) raises Rejection:
        """Reads one value.

        Args:
            depth: How many arrays and objects are open.

        Raises:
            Rejection: The text is at fault.
        """
        var byte = self.peek()
        if byte == QUOTE:
            self.string()
        elif byte == MINUS or (byte >= ZERO and byte <= NINE):
            self.number()
        elif byte == UInt8(ord("[")):
            self.array(depth + 1)
        elif byte == UInt8(ord("{")):
            self.object(depth + 1)
        elif byte == UInt8(ord("t")):
            self.literal("true", Kind.BOOLEAN, True)
        elif byte == UInt8(ord("f")):
            self.literal("false", Kind.BOOLEAN, False)
        elif byte == UInt8(ord("n")):
            self.literal("null", Kind.NULL, False)
        else:
            raise self.syntax("expected a value")

    def literal(
        mut self, word: StaticString, kind: UInt8, flag: Bool
    ) raises Rejection:
        """Reads a literal.

        Args:
            word: The literal.
            kind: The kind of its value.
            flag: The value of a boolean.

        Raises:
            Rejection: There is another word.
        """
        for byte in word.as_bytes():
            if self.peek() != byte:
                raise self.syntax(String("expected '", word, "'"))
            self.at += 1
        self.leaf(kind, flag, self.at - word.byte_length(), self.at, 0)

    def leaf(
        mut self, kind: UInt8, flag: Bool, start: Int, end: Int, value: Float64
    ):
        """Adds a node that holds no others.

        Args:
            kind: One of `Kind`.
            flag: See `Node`.
            start: The first byte of its text.
            end: The byte after its text.
            value: The value of a number.
        """
        self.nodes.append(
            Node(kind, flag, start, end - start, len(self.nodes) + 1, value)
        )

    def open(mut self, kind: UInt8, depth: Int) raises Rejection -> Int:
        """Adds a container.

        Args:
            kind: Array or object.
            depth: How many containers are open with this one.

        Returns:
            The index of its node, to be closed later.

        Raises:
            Rejection: Rule json.depth.
        """
        if depth > self.max_depth:
            raise self.fault(
                "json.depth", String("nesting deeper than ", self.max_depth)
            )
        self.nodes.append(Node(kind, False, self.at, 0, 0, 0))
        self.at += 1
        self.skip_space()
        return len(self.nodes) - 1

    def close(mut self, node: Int, size: Int):
        """Completes a container.

        Args:
            node: The index that `open` returned.
            size: The number of its items or members.
        """
        self.nodes[node].size = size
        self.nodes[node].end = len(self.nodes)
        self.at += 1

    def array(mut self, depth: Int) raises Rejection:
        """Reads an array.

        Args:
            depth: How many containers are open with this one.

        Raises:
            Rejection: The text is at fault.
        """
        var node = self.open(Kind.ARRAY, depth)
        if self.peek() == UInt8(ord("]")):
            return self.close(node, 0)
        var size = 0
        while True:
            self.value(depth)
            size += 1
            self.skip_space()
            if self.peek() == UInt8(ord("]")):
                return self.close(node, size)
            self.comma("expected ',' or ']'")

    def object(mut self, depth: Int) raises Rejection:
        """Reads an object.

        Args:
            depth: How many containers are open with this one.

        Raises:
            Rejection: The text is at fault.
        """
        var node = self.open(Kind.OBJECT, depth)
        if self.peek() == UInt8(ord("}")):
            return self.close(node, 0)
        var size = 0
        while True:
            self.key()
            self.value(depth)
            size += 1
            self.skip_space()
            if self.peek() == UInt8(ord("}")):
                self.json_duplicate_key(node, size)
                return self.close(node, size)
            self.comma("expected ',' or '}'")

    def comma(mut self, reason: StaticString) raises Rejection:
        """Reads a comma and the white space after it.

        Args:
            reason: What is due.

        Raises:
            Rejection: There is no comma.
        """
        if self.peek() != UInt8(ord(",")):
            raise self.syntax(reason)
        self.at += 1
        self.skip_space()

    def key(mut self) raises Rejection:
        """Reads the key of a member up to its value.

        Raises:
            Rejection: The text is at fault.
        """
        if self.peek() != QUOTE:
            raise self.syntax("expected a key in quotes")
        self.string()
        self.skip_space()
        if self.peek() != UInt8(ord(":")):
            raise self.syntax("expected ':'")
        self.at += 1
        self.skip_space()

    def key_text(self, node: Int) -> StringSpan[origin_of(self.text)]:
        """Borrows a key.

        Args:
            node: The key.

        Returns:
            Its unescaped text.
        """
        var start = self.nodes[node].start
        return StringSpan(
            unsafe_from_utf8=Span(self.text)[
                start : start + self.nodes[node].size
            ]
        )

    def json_duplicate_key(self, node: Int, size: Int) raises Rejection:
        """Enforces the rule: the keys of one object differ.

        Args:
            node: The object, all its members read.
            size: The number of its members.

        Raises:
            Rejection: Two keys are equal.
        """
        if size < 2:
            return
        var keys = List[Int](capacity=size)
        var at = node + 1
        while at < len(self.nodes):
            keys.append(at)
            at = self.nodes[at + 1].end
        if size <= 8:
            self._compare_pairs(keys)
        else:
            self._compare_hashes(keys)

    def _compare_pairs(self, keys: List[Int]) raises Rejection:
        """Finds equal keys in a small object, where hashing costs more."""
        for i in range(len(keys)):
            for j in range(i):
                if self.key_text(keys[i]) == self.key_text(keys[j]):
                    raise self._duplicate(keys[i])

    def _compare_hashes(self, keys: List[Int]) raises Rejection:
        """Finds equal keys in a large object."""
        var seen: Set[String] = {}
        for key in keys:
            var text = String(self.key_text(key))
            if text in seen:
                raise self._duplicate(key)
            seen.add(text^)

    def _duplicate(self, key: Int) -> Rejection:
        """Makes the rejection of a key that is there twice."""
        return self.fault(
            "json.duplicate-key",
            String(
                'key "',
                shorten(self.key_text(key)),
                '" twice in the object that ends',
            ),
        )

    def digits(mut self) raises Rejection:
        """Skips one or more digits.

        Raises:
            Rejection: There is none.
        """
        if self.peek() < ZERO or self.peek() > NINE:
            raise self.syntax("expected a digit")
        while self.peek() >= ZERO and self.peek() <= NINE:
            self.at += 1

    def number(mut self) raises Rejection:
        """Reads a number.

        Raises:
            Rejection: The text is at fault.
        """
        var start = self.at
        if self.peek() == MINUS:
            self.at += 1
        if self.peek() == ZERO:
            self.at += 1
        else:
            self.digits()
        var integral = self.fraction_and_exponent()
        var value = self.nearest(start, integral)
        self.leaf(Kind.NUMBER, integral, start, self.at, value)

    def fraction_and_exponent(mut self) raises Rejection -> Bool:
        """Skips what may follow the digits of an integer.

        Returns:
            True where there is neither a fraction nor an exponent.

        Raises:
            Rejection: The text is at fault.
        """
        var start = self.at
        if self.peek() == UInt8(ord(".")):
            self.at += 1
            self.digits()
        if self.peek() | 0x20 == UInt8(ord("e")):
            self.at += 1
            if self.peek() == UInt8(ord("+")) or self.peek() == MINUS:
                self.at += 1
            self.digits()
        return self.at == start

    def nearest(self, start: Int, integral: Bool) raises Rejection -> Float64:
        """Rounds the text of a number to the nearest binary64, ties to even.

        Args:
            start: The first byte of the text; it ends where the reader stands.
            integral: True where there is neither fraction nor exponent.

        Returns:
            The finite value.

        Raises:
            Rejection: Rule json.number-range.
        """
        if integral and self.at - start <= 15:
            return self.small_integer(start)
        # strtod of the C library rounds correctly at any length; the grammar has been checked, and the byte after the
        # number cannot continue it.
        var value = external_call["strtod", Float64](
            self.text.unsafe_ptr().unsafe_offset(start), Int(0)
        )
        if value - value != 0:
            var text = StringSpan(
                unsafe_from_utf8=Span(self.text)[start : self.at]
            )
            raise self.fault(
                "json.number-range",
                String(shorten(text), " is beyond binary64, ends"),
            )
        return value

    def small_integer(self, start: Int) -> Float64:
        """Converts an integer of at most 15 characters, which binary64 holds exactly.

        Args:
            start: The first byte of the text; it ends where the reader stands.

        Returns:
            The value; -0.0 for `-0`.
        """
        var negative = self.text[start] == MINUS
        var value = 0
        for i in range(start + Int(negative), self.at):
            value = value * 10 + Int(self.text[i] - ZERO)
        return -Float64(value) if negative else Float64(value)

    def string(mut self) raises Rejection:
        """Reads a string and unescapes it in place.

        Raises:
            Rejection: The text is at fault.
        """
        self.at += 1
        var start = self.at
        self.skip_plain()
        var end = self.at
        while self.peek() != QUOTE:
            end = self.character(end)
        self.leaf(Kind.STRING, False, start, end, 0)
        self.at += 1

    def skip_plain(mut self):
        """Skips the part of a string that stays as it is."""
        while (
            self.peek() != QUOTE
            and self.peek() != BACKSLASH
            and self.peek() >= 0x20
        ):
            self.at += 1

    def character(mut self, end: Int) raises Rejection -> Int:
        """Moves one character of a string, or what an escape stands for, to its place.

        Args:
            end: Where the unescaped string ends so far.

        Returns:
            Where it ends now.

        Raises:
            Rejection: The text is at fault.
        """
        var byte = self.peek()
        if byte < 0x20:
            raise self.syntax(
                "expected a closing quote or no control character"
            )
        self.at += 1
        if byte != BACKSLASH:
            self.text[end] = byte
            return end + 1
        return self.escape(end)

    def escape(mut self, end: Int) raises Rejection -> Int:
        """Unescapes what follows a backslash.

        Args:
            end: Where the unescaped string ends so far.

        Returns:
            Where it ends now.

        Raises:
            Rejection: The text is at fault.
        """
        comptime NAMES = '"\\/bfnrt'
        comptime BYTES = '"\\/\b\f\n\r\t'
        if self.peek() == UInt8(ord("u")):
            return self.unicode_escape(end)
        for i in range(NAMES.byte_length()):
            if self.peek() == NAMES.as_bytes()[i]:
                self.text[end] = BYTES.as_bytes()[i]
                self.at += 1
                return end + 1
        raise self.syntax("expected an escape")

    def unicode_escape(mut self, end: Int) raises Rejection -> Int:
        """Unescapes `uXXXX`, or a surrogate pair of them.

        Args:
            end: Where the unescaped string ends so far.

        Returns:
            Where it ends now.

        Raises:
            Rejection: The text is at fault.
        """
        self.at += 1
        var code_point = self.four_digits()
        if code_point >= 0xD800 and code_point <= 0xDFFF:
            code_point = self.json_surrogate(code_point)
        var bytes: List[UInt8] = []
        append_code_point(bytes, code_point)
        for i in range(len(bytes)):
            self.text[end + i] = bytes[i]
        return end + len(bytes)

    def json_surrogate(mut self, high: UInt32) raises Rejection -> UInt32:
        """Enforces the rule: escaped surrogates come in pairs.

        Args:
            high: What has been read, a surrogate.

        Returns:
            The code point that the pair stands for.

        Raises:
            Rejection: The text is at fault.
        """
        # The NUL after the text keeps the look at the second byte inside.
        if (
            high <= 0xDBFF
            and self.peek() == BACKSLASH
            and self.text[self.at + 1] == UInt8(ord("u"))
        ):
            self.at += 2
            var low = self.four_digits()
            if low >= 0xDC00 and low <= 0xDFFF:
                return 0x10000 + ((high - 0xD800) << 10) + (low - 0xDC00)
        raise self.fault("json.surrogate", "unpaired surrogate that ends")

    def four_digits(mut self) raises Rejection -> UInt32:
        """Reads four hexadecimal digits.

        Returns:
            Their value.

        Raises:
            Rejection: The text is at fault.
        """
        var value = UInt32(0)
        for _ in range(4):
            value = value << 4 | self.hex_digit()
            self.at += 1
        return value

    def hex_digit(self) raises Rejection -> UInt32:
        """Converts the next byte.

        Returns:
            A value below 16.

        Raises:
            Rejection: The byte is no hexadecimal digit.
        """
        var byte = self.peek()
        if byte >= ZERO and byte <= NINE:
            return UInt32(byte - ZERO)
        var letter = byte | 0x20
        if letter < UInt8(ord("a")) or letter > UInt8(ord("f")):
            raise self.syntax("expected a hexadecimal digit")
        return UInt32(letter - UInt8(ord("a"))) + 10
