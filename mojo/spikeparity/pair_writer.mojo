"""Checkpoint pairs, written so that a crash at any point leaves the old pair or the new one."""

from std.collections import Dict
from std.ffi import external_call

from .answer import Answer
from .archive import Due
from .archive_writer import ArchiveWriter, NewMember
from .checkpoint import Checkpoint
from .document import Document, Kind
from .json import read_json
from .network import leaves
from .pair import DIGITS_IN_NAME, Pair, load_pair
from .posix import (
    DIRECTORY,
    HERE,
    NO_FOLLOW,
    READ_ONLY,
    File,
    create,
    io_failure,
    make_folder,
    names_in,
    open_with,
    remove,
    rename,
    status_of,
)
from .parts import kind_names
from .rules import MAX_DEPTH, MAX_SIDECAR_BYTES, Rejection
from .shapes import Shapes
from .sidecar import (
    DIGEST_DIGITS,
    Reference,
    is_hex,
    members_of_network,
    size_at,
)

comptime SIGXFSZ = Int32(25)
comptime IGNORE = 1


struct NewPair(Movable):
    """A pair that is to be saved."""

    var sidecar: Answer
    """The sidecar up to the digest of the archive."""
    var members: List[NewMember]
    """The members, in due order."""

    def __init__(out self, format_version: Int):
        """Starts a sidecar.

        Args:
            format_version: 1 or 2.
        """
        self.sidecar = Answer()
        self.members = []
        self.sidecar.open("{")
        self.sidecar.key("format_version")
        self.sidecar.integer(format_version)

    def write_sizes(mut self, names: List[String], sizes: List[List[Int]]):
        """Writes numbers of layers and parameters, names and layer sizes.

        Args:
            names: The names of the layers.
            sizes: Of each layer how many elements it takes and gives.
        """
        var total = 0
        for ref member in self.members:
            total += len(member.values)
        self.sidecar.key("n_layers")
        self.sidecar.integer(len(names))
        self.sidecar.key("total_params")
        self.sidecar.integer(total)
        self.sidecar.key("layer_names")
        self.sidecar.strings(names)
        self.sidecar.key("layer_sizes")
        self.sidecar.open("[")
        for ref pair in sizes:
            self.sidecar.integers(pair)
        self.sidecar.raw("]")

    def text(self, digest: String) -> List[UInt8]:
        """Completes the sidecar.

        Args:
            digest: The digest of the archive.

        Returns:
            The text.
        """
        var bytes = self.sidecar.bytes.copy()
        bytes.extend(String(',"archive_digest":"', digest, '"}\n').as_bytes())
        return bytes^


def pair_of_checkpoint(
    document: Document, root: Int, checkpoint: Checkpoint
) raises Rejection -> NewPair:
    """Makes a pair of format 1.

    Args:
        document: Holds the checkpoint.
        root: The checkpoint, which is valid.
        checkpoint: What it is known by.

    Returns:
        The pair.

    Raises:
        Rejection: Rule checkpoint.metadata-type, or a sidecar that would be too long.
    """
    var pair = NewPair(1)
    var sizes = document.member(root, "layer_sizes").value()
    var layer = 0
    var pairs: List[List[Int]] = []
    for weights in document.items(document.member(root, "weights").value()):
        var inputs = size_at(document, sizes, layer, 0)
        var outputs = size_at(document, sizes, layer, 1)
        pairs.append([inputs, outputs])
        pair.members.append(
            NewMember(
                String("layer_", layer),
                [outputs, inputs],
                leaves(document, weights),
            )
        )
        layer += 1
    pair.write_sizes(checkpoint.layer_names, pairs)
    pair.sidecar.key("neuron_types")
    write_or(document, document.member(root, "neuron_types"), "[]", pair)
    pair.sidecar.key("frozen_layers")
    pair.sidecar.strings(checkpoint.frozen_layers())
    pair.sidecar.key("metadata")
    var metadata = document.member(root, "metadata")
    write_or(document, metadata, "{}", pair)
    require_readable(document, metadata.or_else(root), pair)
    return pair^


def pair_of_network(
    document: Document, root: Int, shapes: Shapes
) raises Rejection -> NewPair:
    """Makes a pair of format 2.

    Args:
        document: Holds the network.
        root: The network, which is valid.
        shapes: Its layers.

    Returns:
        The pair.

    Raises:
        Rejection: A sidecar that would be too long.
    """
    var pair = NewPair(2)
    var references: List[Reference] = []
    var words = Dict[Int, String]()
    for ref due in members_of_network(shapes, references):
        var reference = references[len(pair.members)]
        words[reference.node] = reference_text(due, reference)
        pair.members.append(
            NewMember(
                due.name, due.shape.copy(), leaves(document, reference.node)
            )
        )
    var names: List[String] = []
    var sizes: List[List[Int]] = []
    for ref layer in shapes.layers:
        names.append(String("layer_", len(names)))
        sizes.append([layer.taken(), layer.given().elements()])
    pair.write_sizes(names, sizes)
    write_types(document, shapes, pair)
    pair.sidecar.key("network")
    write_json(document, root, words, pair.sidecar)
    require_readable(document, root, pair)
    return pair^


def reference_text(due: Due, reference: Reference) -> String:
    """Writes what stands for an array in the network of a sidecar."""
    var answer = Answer()
    answer.open("{")
    answer.key("member")
    answer.string(due.name)
    if reference.has_shape:
        answer.key("shape")
        answer.integers(due.shape)
    answer.raw("}")
    return String(unsafe_from_utf8=answer.bytes)


def write_types(document: Document, shapes: Shapes, mut pair: NewPair):
    """Writes the member neuron_types: the models of neurons, the kinds of layers that have none."""
    pair.sidecar.key("neuron_types")
    pair.sidecar.open("[")
    for ref layer in shapes.layers:
        if layer.neuron:
            var model = document.member(layer.neuron.value(), "model")
            pair.sidecar.string(document.text(model.value()))
        else:
            pair.sidecar.string(kind_names()[layer.kind])
    pair.sidecar.raw("]")


def write_or(
    document: Document,
    node: Optional[Int],
    default: StaticString,
    mut pair: NewPair,
):
    """Writes a member of the sidecar, its key already written.

    Args:
        document: Holds the value.
        node: The value, if there is one.
        default: What stands for it otherwise.
        pair: Receives it.
    """
    if node:
        write_json(document, node.value(), {}, pair.sidecar)
    else:
        pair.sidecar.raw(default)


def write_json(
    document: Document, node: Int, words: Dict[Int, String], mut answer: Answer
):
    """Writes a value as it was read, the text of its numbers unchanged.

    Args:
        document: Holds the value.
        node: The value.
        words: What to write in the place of some values inside it.
        answer: Receives it as the next item.
    """
    var word = words.get(node)
    if word:
        answer.separate()
        answer.raw(word.value())
    elif document.is_object(node):
        answer.open("{")
        for key in document.keys(node):
            answer.key(document.text(key))
            write_json(document, key + 1, words, answer)
        answer.raw("}")
    elif document.is_array(node):
        answer.open("[")
        for item in document.items(node):
            write_json(document, item, words, answer)
        answer.raw("]")
    elif document.is_string(node):
        answer.string(document.text(node))
    else:
        answer.separate()
        var flag = document.boolean(node)
        if flag:
            answer.raw("true" if flag.value() else "false")
        elif document.kind(node) == Kind.NULL:
            answer.raw("null")
        else:
            answer.raw(document.text(node))


def require_readable(
    document: Document, node: Int, pair: NewPair
) raises Rejection:
    """Refuses, before anything is written, what nobody could load.

    Args:
        document: Holds what is saved.
        node: Its metadata, which alone can nest too deep.
        pair: The pair.

    Raises:
        Rejection: Rule checkpoint.metadata-type, or a sidecar that would be too long, an I/O failure.
    """
    var text = pair.text("0" * DIGEST_DIGITS)
    if len(text) > MAX_SIDECAR_BYTES:
        raise io_failure(
            "the sidecar",
            String("would have more than ", MAX_SIDECAR_BYTES, " bytes"),
        )
    try:
        _ = read_json(text^, MAX_DEPTH)
    except fault:
        raise document.reject_because(
            "checkpoint.metadata-type",
            node,
            String("a sidecar cannot carry it: ", fault.message),
        )


@fieldwise_init
struct Destination(Copyable):
    """Where a pair is saved."""

    var root: String
    """The folder that places are relative to, without links."""
    var base: String
    """The place, without extension."""
    var folder: String
    """The folder of the pair, without links."""
    var name: String
    """The last component of the place."""
    var path: String
    """The path of the place in rejections."""

    def file(self, extension: StringSpan) -> String:
        """Names a file of the pair.

        Args:
            extension: What follows the name.

        Returns:
            Its absolute path.
        """
        return String(self.folder, "/", self.name, extension)


def save_pair(
    destination: Destination, pair: NewPair, compress: Bool
) raises Rejection -> Pair:
    """Saves a pair in place of the one that is there.

    Args:
        destination: Where.
        pair: The pair.
        compress: Whether to deflate its arrays.

    Returns:
        The pair as it is loaded again.

    Raises:
        Rejection: The system failed: then the old pair is still there, or, where only tidying up failed, the new one.
    """
    make_folders(destination.folder)
    var folder = open_with(destination.folder, READ_ONLY | DIRECTORY)
    if not folder:
        raise io_failure(destination.folder, "has been removed")
    folder.value().lock()
    # A write beyond the file-size limit would end the process instead of failing.
    var before = external_call["signal", Int](SIGXFSZ, IGNORE)
    try:
        var digest = commit(destination, pair, compress, folder.value())
        tidy(destination, digest, folder.value())
        _ = external_call["signal", Int](SIGXFSZ, before)
    except failure:
        _ = external_call["signal", Int](SIGXFSZ, before)
        raise failure^
    # Still under the lock, so that this is the pair that was written.
    var saved = load_pair(destination.root, destination.base, destination.path)
    _ = folder^
    return saved^


def make_folders(folder: String) raises Rejection:
    """Creates a folder and the folders that it is in, as far as they are missing.

    Args:
        folder: An absolute path.

    Raises:
        Rejection: The system failed.
    """
    if status_of(HERE, folder, 0):
        return
    var parent = String(folder[byte = 0 : folder.rfind("/")])
    if parent == "":
        parent = "/"
    make_folders(parent)
    if make_folder(folder):
        var above = open_with(parent, READ_ONLY | DIRECTORY)
        if above:
            above.value().sync()


def commit(
    destination: Destination, pair: NewPair, compress: Bool, folder: File
) raises Rejection -> String:
    """Takes the steps 1 and 2, after which the new pair is there; where they fail, what was written is removed.

    Args:
        destination: Where.
        pair: The pair.
        compress: Whether to deflate its arrays.
        folder: The folder, locked.

    Returns:
        The digest of the archive.

    Raises:
        Rejection: The system failed.
    """
    var written: List[String] = []
    try:
        var digest = write_archive(destination, pair, compress, folder, written)
        written.append(destination.file(".json.tmp"))
        var sidecar = create(destination.file(".json.tmp"))
        sidecar.write_at(0, pair.text(digest))
        sidecar.sync()
        rename(destination.file(".json.tmp"), destination.file(".json"))
        return digest^
    except failure:
        for path in written:
            _ = remove(path)
        raise failure^


def write_archive(
    destination: Destination,
    pair: NewPair,
    compress: Bool,
    folder: File,
    mut written: List[String],
) raises Rejection -> String:
    """Takes step 1: the archive under the name that its digest makes.

    Args:
        destination: Where.
        pair: The pair.
        compress: Whether to deflate its arrays.
        folder: The folder, locked.
        written: Learns what to remove where the save fails.

    Returns:
        The digest.

    Raises:
        Rejection: The system failed.
    """
    var path = destination.file(".npz.tmp")
    written.append(path)
    var writer = ArchiveWriter(create(path), compress)
    for ref member in pair.members:
        writer.add(member)
    var digest = writer.finish()
    var named = destination.file(bound_extension(digest))
    # One that is there already belongs to a pair whose save was interrupted after step 2: it has to stay.
    if not status_of(HERE, named, NO_FOLLOW):
        written.append(named)
    rename(path, named)
    folder.sync()
    return digest^


def bound_extension(digest: String) -> String:
    """Makes the extension of an archive that has not got its final name yet.

    Args:
        digest: Its digest.

    Returns:
        `.npz.` and 16 digits.
    """
    return ".npz." + digest[byte=0:DIGITS_IN_NAME]


def tidy(
    destination: Destination, digest: String, folder: File
) raises Rejection:
    """Takes the steps 3 and 4: the final name of the archive, and an end of what interrupted saves left.

    Args:
        destination: Where.
        digest: The digest of the archive.
        folder: The folder, locked.

    Raises:
        Rejection: The system failed; the new pair is there.
    """
    folder.sync()
    rename(destination.file(bound_extension(digest)), destination.file(".npz"))
    folder.sync()
    var removed = False
    for name in names_in(destination.folder):
        if is_leftover(name, destination.name):
            removed = remove(destination.folder + "/" + name) or removed
    if removed:
        folder.sync()


def is_leftover(name: String, base: String) -> Bool:
    """Tells whether a file is one that an interrupted save leaves.

    Args:
        name: Its name.
        base: The last component of the place of the pair.

    Returns:
        True for `.npz.tmp`, `.json.tmp` and `.npz.` with 16 hexadecimal digits.
    """
    if not name.startswith(base):
        return False
    var extension = name[byte = base.byte_length() : name.byte_length()]
    if extension == ".npz.tmp" or extension == ".json.tmp":
        return True
    return (
        extension.startswith(".npz.")
        and extension.byte_length() == 5 + DIGITS_IN_NAME
        and is_hex(extension.as_bytes()[5 : 5 + DIGITS_IN_NAME])
    )
