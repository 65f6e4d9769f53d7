"""A JSON value as a flat list of nodes in document order, with the look-ups that the rules need."""

from std.memory import Pointer
from std.utils.numerics import inf, nan

from .npy import Array, shape_text
from .rules import MAX_EMPTY, MAX_INTEGER, Rejection


struct Kind:
    """The kinds of JSON values."""

    comptime NULL = UInt8(0)
    """The literal `null`."""
    comptime BOOLEAN = UInt8(1)
    """A literal `true` or `false`."""
    comptime NUMBER = UInt8(2)
    """A number."""
    comptime STRING = UInt8(3)
    """A string, or the key of a member."""
    comptime ARRAY = UInt8(4)
    """An array; its items follow."""
    comptime OBJECT = UInt8(5)
    """An object; its members follow, each a key and a value."""
    comptime STORED = UInt8(6)
    """An array of Numbers that was read from a file, in place of what referred to it; `start` is its index."""


@fieldwise_init
struct Node(TrivialRegisterPassable):
    """One value. A container is followed by all that it holds, so that a whole document is a walk over indices."""

    var kind: UInt8
    """One of `Kind`."""
    var flag: Bool
    """The value of a boolean; of a number, whether its text has neither fraction nor exponent."""
    var start: Int
    """Where the text of a number or string starts in the source."""
    var size: Int
    """Bytes of the text of a number or string; items of an array, along its first axis; members of an object."""
    var end: Int
    """The index after the last node inside this one."""
    var value: Float64
    """The nearest binary64 of a number."""


struct Document(Movable):
    """A parsed text. Nodes are named by their index; `root` is where paths begin."""

    var source: List[UInt8]
    """The text, its strings unescaped in place."""
    var nodes: List[Node]
    """All values and keys in document order."""
    var root: Int
    """The node that the empty path names."""
    var arrays: List[Array]
    """What was read from files."""

    def __init__(out self, var source: List[UInt8], var nodes: List[Node]):
        """Takes over what the reader made.

        Args:
            source: The text.
            nodes: The values; the first is the whole text.
        """
        self.source = source^
        self.nodes = nodes^
        self.root = 0
        self.arrays = []

    def attach(mut self, node: Int, var array: Array) -> Bool:
        """Puts an array in the place of a value.

        Args:
            node: The value.
            array: The array.

        Returns:
            False where it is larger than its file can make it: without values, but with many rows or columns.
        """
        for length in array.shape:
            if len(array.values) == 0 and length > MAX_EMPTY:
                return False
        self.nodes[node].kind = Kind.STORED
        self.nodes[node].start = len(self.arrays)
        self.nodes[node].size = array.shape[0] if len(array.shape) > 0 else 0
        self.arrays.append(array^)
        return True

    def is_stored(self, node: Int) -> Bool:
        """Tells whether a value is an array that was read from a file.

        Args:
            node: The value.

        Returns:
            True for one.
        """
        return self.nodes[node].kind == Kind.STORED

    def stored(self, node: Int) -> ref[self.arrays[0]] Array:
        """Borrows an array that was read from a file.

        Args:
            node: A value for which `is_stored` is true.

        Returns:
            The array.
        """
        return self.arrays[self.nodes[node].start]

    def kind(self, node: Int) -> UInt8:
        """Tells the kind of a value.

        Args:
            node: The value.

        Returns:
            One of `Kind`.
        """
        return self.nodes[node].kind

    def is_object(self, node: Int) -> Bool:
        """Tells whether a value is an object.

        Args:
            node: The value.

        Returns:
            True for an object.
        """
        return self.nodes[node].kind == Kind.OBJECT

    def is_array(self, node: Int) -> Bool:
        """Tells whether a value is an array.

        Args:
            node: The value.

        Returns:
            True for an array.
        """
        return self.nodes[node].kind == Kind.ARRAY

    def is_string(self, node: Int) -> Bool:
        """Tells whether a value is a string.

        Args:
            node: The value.

        Returns:
            True for a string.
        """
        return self.nodes[node].kind == Kind.STRING

    def is_text(self, node: Int, text: StringSpan) -> Bool:
        """Tells whether a value is one particular string.

        Args:
            node: The value.
            text: The string.

        Returns:
            True for an equal string.
        """
        return self.is_string(node) and self.text(node) == text

    def is_one_of(self, node: Int, texts: List[StaticString]) -> Bool:
        """Tells whether a value is one of some strings.

        Args:
            node: The value.
            texts: The strings.

        Returns:
            True for an equal string.
        """
        for text in texts:
            if self.is_text(node, text):
                return True
        return False

    def size(self, node: Int) -> Int:
        """Counts the items of an array or the members of an object.

        Args:
            node: The container.

        Returns:
            The count.
        """
        return self.nodes[node].size

    def end(self, node: Int) -> Int:
        """Finds the end of a value.

        Args:
            node: The value.

        Returns:
            The index after the last node inside the value.
        """
        return self.nodes[node].end

    def text(self, node: Int) -> StringSpan[origin_of(self.source)]:
        """Borrows the text of a string (unescaped) or of a number (as it was written).

        Args:
            node: The value.

        Returns:
            The text.
        """
        var start = self.nodes[node].start
        return StringSpan(
            unsafe_from_utf8=Span(self.source)[
                start : start + self.nodes[node].size
            ]
        )

    def items(self, node: Int) -> Items[origin_of(self)]:
        """Iterates over an array.

        Args:
            node: The array.

        Returns:
            An iterator over the items, none where the value is no array.
        """
        var end = self.end(node) if self.is_array(node) else node + 1
        return Items(Pointer(to=self), node + 1, end, False)

    def keys(self, node: Int) -> Items[origin_of(self)]:
        """Iterates over an object.

        Args:
            node: The object.

        Returns:
            An iterator over the keys, none where the value is no object; the value of a member is the next node.
        """
        var end = self.end(node) if self.is_object(node) else node + 1
        return Items(Pointer(to=self), node + 1, end, True)

    def first(self, node: Int) -> Optional[Int]:
        """Finds item 0.

        Args:
            node: Any value.

        Returns:
            The item, or None where the value is no array or is empty.
        """
        if self.is_array(node) and self.size(node) > 0:
            return node + 1
        return None

    def member(self, node: Int, name: StaticString) -> Optional[Int]:
        """Finds a member of an object by its name.

        Args:
            node: Any value.
            name: The name.

        Returns:
            The value of the member, or None where there is none or the value is no object.
        """
        for key in self.keys(node):
            if self.text(key) == name:
                return key + 1
        return None

    def boolean(self, node: Int) -> Optional[Bool]:
        """Reads a boolean.

        Args:
            node: Any value.

        Returns:
            The boolean, or None where the value is none.
        """
        if self.kind(node) == Kind.BOOLEAN:
            return self.nodes[node].flag
        return None

    def integer(self, node: Int) -> Optional[Int]:
        """Reads an Integer: no fraction, no exponent, within ±(2^53-1).

        Args:
            node: Any value.

        Returns:
            The Integer, or None where the value is none.
        """
        ref n = self.nodes[node]
        # 2^53 and above round to at least 2^53, so the rounded value decides as the text would.
        if (
            n.kind == Kind.NUMBER
            and n.flag
            and abs(n.value) <= Float64(MAX_INTEGER)
        ):
            return Int(n.value)
        return None

    def number(self, node: Int) -> Optional[Float64]:
        """Reads a Number: a JSON number, or "NaN", "Infinity" or "-Infinity".

        Args:
            node: Any value.

        Returns:
            The nearest binary64, or None where the value is no Number.
        """
        if self.kind(node) == Kind.NUMBER:
            return self.nodes[node].value
        if self.is_text(node, "NaN"):
            return nan[DType.float64]()
        if self.is_text(node, "Infinity"):
            return inf[DType.float64]()
        if self.is_text(node, "-Infinity"):
            return -inf[DType.float64]()
        return None

    def pointer(self, node: Int) -> String:
        """Builds the JSON Pointer (RFC 6901) from the root to a value.

        Args:
            node: The value, inside the root.

        Returns:
            The pointer; empty for the root itself.
        """
        var path = String()
        var at = self.root
        while at != node:
            at = self._child_towards(at, node, path)
        return path^

    def _child_towards(self, parent: Int, node: Int, mut path: String) -> Int:
        """Finds the item or member of `parent` that holds `node`, and appends its reference token."""
        if self.is_object(parent):
            for key in self.keys(parent):
                if node < self.end(key + 1):
                    path += "/" + escape_token(self.text(key))
                    return key + 1
        var index = 0
        for item in self.items(parent):
            if node < self.end(item):
                path += String("/", index)
                return item
            index += 1
        return node

    def describe(self, node: Int) -> String:
        """Names a value for an error message.

        Args:
            node: The value.

        Returns:
            A noun phrase, shortened where the value is long.
        """
        var kind = self.kind(node)
        if kind == Kind.NULL:
            return "null"
        if kind == Kind.BOOLEAN:
            return "true" if self.nodes[node].flag else "false"
        if kind == Kind.STORED:
            return String(
                "an array of shape ", shape_text(self.stored(node).shape)
            )
        if kind == Kind.ARRAY:
            return String("an array of length ", self.size(node))
        if kind == Kind.OBJECT:
            return String("an object with ", self.size(node), " members")
        if kind == Kind.STRING:
            return String('the string "', shorten(self.text(node)), '"')
        return String(shorten(self.text(node)))

    def reject(
        self, code: StaticString, node: Int, expected: StringSpan
    ) -> Rejection:
        """Rejects a value for not being what is due.

        Args:
            code: The rule.
            node: The value at fault.
            expected: What is due, a noun phrase.

        Returns:
            The rejection.
        """
        var path = self.pointer(node)
        var message = String(
            subject(path),
            ": expected ",
            expected,
            ", got ",
            self.describe(node),
        )
        return Rejection(code, path^, message^)

    def reject_stored(
        self, code: StaticString, node: Int, index: Int, expected: StringSpan
    ) -> Rejection:
        """Rejects a value of an array that was read from a file.

        Args:
            code: The rule.
            node: The array.
            index: The place of the value in C order.
            expected: What is due, a noun phrase.

        Returns:
            The rejection.
        """
        var path = self.pointer(node) + self.stored(node).subscripts(index)
        var message = String(subject(path), ": expected ", expected)
        return Rejection(code, path^, message^)

    def reject_because(
        self, code: StaticString, node: Int, reason: StringSpan
    ) -> Rejection:
        """Rejects a value for a stated reason.

        Args:
            code: The rule.
            node: The value at fault.
            reason: The reason, following the name of the value.

        Returns:
            The rejection.
        """
        var path = self.pointer(node)
        var message = String(subject(path), ": ", reason)
        return Rejection(code, path^, message^)

    def reject_unknown(
        self, code: StaticString, key: Int, known: List[StaticString]
    ) -> Rejection:
        """Rejects a member whose key is not a known one.

        Args:
            code: The rule.
            key: The key of the member.
            known: The keys that there may be.

        Returns:
            The rejection, its path that of the member.
        """
        var names = StaticString(", ").join(known)
        return self.reject_because(
            code, key + 1, String("unknown key, expected one of ", names)
        )

    def reject_missing(
        self, code: StaticString, node: Int, name: StaticString
    ) -> Rejection:
        """Rejects an object for a member that is not there.

        Args:
            code: The rule.
            node: The object.
            name: The name of the missing member.

        Returns:
            The rejection, its path that of the missing member.
        """
        var path = self.pointer(node) + "/" + name
        var message = String(subject(path), ": missing")
        return Rejection(code, path^, message^)


@fieldwise_init
struct Items[origin: ImmOrigin](Copyable, Iterator):
    """Steps over the items of an array, or over the keys of an object."""

    comptime Element = Int
    """The index of a node."""
    var document: Pointer[Document, Self.origin]
    """What is walked over."""
    var at: Int
    """The next item or key."""
    var last: Int
    """The end of the container."""
    var keyed: Bool
    """True where the container is an object."""

    def __iter__(self) -> Self:
        """Starts here.

        Returns:
            A copy of this iterator.
        """
        return self.copy()

    def __next__(mut self) raises StopIteration -> Int:
        """Steps to the next item or key.

        Returns:
            Its index.

        Raises:
            StopIteration: At the end.
        """
        if self.at >= self.last:
            raise StopIteration()
        var node = self.at
        self.at = self.document[].end(node + Int(self.keyed))
        return node


def escape_token(token: StringSpan) -> String:
    """Escapes a reference token of a JSON Pointer.

    Args:
        token: The name of a member.

    Returns:
        The token with `~0` for `~` and `~1` for `/`.
    """
    return String(token).replace("~", "~0").replace("/", "~1")


def subject(path: StringSpan) -> String:
    """Names the value at a path for an error message.

    Args:
        path: A JSON Pointer.

    Returns:
        The path without its first slash, or "document" for the empty one.
    """
    if path.byte_length() == 0:
        return "document"
    return String(path[byte = 1 : path.byte_length()])


def shorten(text: StringSpan) -> String:
    """Cuts a text to what fits into an error message.

    Args:
        text: The text.

    Returns:
        At most 60 bytes of it, whole code points, with an ellipsis where something is missing.
    """
    if text.byte_length() <= 60:
        return String(text)
    var bytes = text.as_bytes()
    var end = 57
    while bytes[end] & 0xC0 == 0x80:
        end -= 1
    return String(StringSpan(unsafe_from_utf8=bytes[0:end]), "...")
