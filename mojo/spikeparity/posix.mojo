"""Files through the system's own calls: whole reads and writes, and failures that name the file."""

from std.ffi import external_call
from std.memory import Pointer
from std.os import listdir
from std.sys.info import CompilationTarget

from .rules import IO_FAILURE, Rejection

comptime ENOENT = 2
comptime EINTR = 4
comptime EEXIST = 17

# Of Linux.
comptime READ_ONLY = Int32(0)
comptime WRITE_ONLY = Int32(1)
comptime CREATE = Int32(0o100)
comptime EXCLUSIVE = Int32(0o200)
comptime NO_TERMINAL = Int32(0o400)
comptime NON_BLOCKING = Int32(0o4000)
comptime CLOSE_ON_EXEC = Int32(0o2000000)
comptime DIRECTORY = Int32(0o200000 if CompilationTarget.is_x86() else 0o40000)

comptime EMPTY_PATH = Int32(0x1000)
comptime NO_FOLLOW = Int32(0x100)
comptime HERE = Int32(-100)
comptime BASIC_STATS = UInt32(0x7FF)
comptime LOCK_EXCLUSIVE = Int32(2)
comptime PATH_BYTES = 4096
comptime MOST_LINKS = 40
comptime REGULAR = 0o100000
comptime KIND_MASK = 0o170000


def error_number() -> Int:
    """Reads `errno`.

    Returns:
        The number of the last failure of a system call.
    """
    var place = external_call[
        "__errno_location", Pointer[Int32, MutUntrackedOrigin]
    ]()
    return Int(place[])


def system_failure(path: StringSpan, action: StringSpan) -> Rejection:
    """Makes the failure that `errno` tells of.

    Args:
        path: The file.
        action: What was tried, a verb.

    Returns:
        The failure, of the code IO_FAILURE.
    """
    var text = external_call["strerror", Pointer[UInt8, MutUntrackedOrigin]](
        Int32(error_number())
    )
    return io_failure(path, String("cannot ", action, ": ", c_text(text)))


def io_failure(path: StringSpan, reason: StringSpan) -> Rejection:
    """Makes a failure of the system, which is no rejection.

    Args:
        path: The file.
        reason: What went wrong.

    Returns:
        The failure, of the code IO_FAILURE.
    """
    return Rejection(IO_FAILURE, "", String(path, ": ", reason))


def c_text(start: Pointer[UInt8, MutUntrackedOrigin]) -> String:
    """Copies a string of C.

    Args:
        start: Its first byte; a NUL ends it.

    Returns:
        The string.
    """
    var length = external_call["strlen", Int](start)
    return String(
        StringSpan(unsafe_from_utf8=Span(unsafe_ptr=start, length=length))
    )


@fieldwise_init
struct Status(Equatable, TrivialRegisterPassable):
    """What tells one state of a file from another."""

    var mode: Int
    """Kind and permissions."""
    var device: Int
    """The device."""
    var inode: Int
    """The number of the file on its device."""
    var size: Int
    """Bytes."""
    var seconds: Int
    """Time of modification."""
    var nanoseconds: Int
    """Its fraction."""

    def __eq__(self, other: Self) -> Bool:
        """Compares all but mode."""
        return (
            self.device == other.device
            and self.inode == other.inode
            and self.size == other.size
            and self.seconds == other.seconds
            and self.nanoseconds == other.nanoseconds
        )

    def is_regular(self) -> Bool:
        """Tells a file from folders, FIFOs and devices.

        Returns:
            True for a regular file.
        """
        return self.mode & KIND_MASK == REGULAR


def status_of(
    descriptor: Int32, path: String, flags: Int32
) raises Rejection -> Optional[Status]:
    """Asks for the state of a file.

    Args:
        descriptor: An open file, or HERE.
        path: The path, empty with EMPTY_PATH.
        flags: EMPTY_PATH or NO_FOLLOW.

    Returns:
        The state, None where there is no such file.

    Raises:
        Rejection: The system failed.
    """
    # statx, because its layout is the same on every machine.
    var fields = List[UInt64](length=32, fill=0)
    var c = path
    while external_call["statx", Int32](
        descriptor,
        c.as_c_string_span().ptr(),
        flags,
        BASIC_STATS,
        fields.unsafe_ptr(),
    ):
        if error_number() == ENOENT:
            return None
        if error_number() != EINTR:
            raise system_failure(path, "look at it")
    return Status(
        Int(fields[3] >> 32 & 0xFFFF),
        Int(fields[17] & 0xFFFFFFFF) << 32 | Int(fields[17] >> 32),
        Int(fields[4]),
        Int(fields[5]),
        Int(fields[14]),
        Int(fields[15] & 0xFFFFFFFF),
    )


struct File(Movable):
    """An open file; it is closed when it is not used any more."""

    var descriptor: Int32
    """The descriptor."""
    var path: String
    """Its name in messages."""

    def __init__(out self, descriptor: Int32, path: String):
        """Takes over an open descriptor.

        Args:
            descriptor: The descriptor.
            path: Its name in messages.
        """
        self.descriptor = descriptor
        self.path = path

    def __deinit__(deinit self):
        """Closes the file."""
        _ = external_call["close", Int32](self.descriptor)

    def status(self) raises Rejection -> Status:
        """Asks for the state of this file.

        Returns:
            The state.

        Raises:
            Rejection: The system failed.
        """
        return status_of(self.descriptor, "", EMPTY_PATH).value()

    def read_at(
        self, offset: Int, size: Int, mut bytes: List[UInt8]
    ) raises Rejection -> Int:
        """Reads a part of the file.

        Args:
            offset: The first byte.
            size: How many bytes; fewer where the file ends before.
            bytes: Becomes what was read.

        Returns:
            How many bytes were read.

        Raises:
            Rejection: The system failed.
        """
        bytes.resize(unsafe_uninit_length=size)
        var got = 0
        while got < size:
            var count = external_call["pread", Int](
                self.descriptor,
                bytes.unsafe_ptr().unsafe_offset(got),
                size - got,
                offset + got,
            )
            if count < 0 and error_number() == EINTR:
                continue
            if count < 0:
                raise system_failure(self.path, "read it")
            if count == 0:
                break
            got += count
        bytes.shrink(got)
        return got

    def read_exactly(
        self, offset: Int, size: Int, mut bytes: List[UInt8]
    ) raises Rejection:
        """Reads a part that the file had when its size was asked for.

        Args:
            offset: The first byte.
            size: How many bytes.
            bytes: Becomes what was read.

        Raises:
            Rejection: The system failed, or somebody has cut the file meanwhile.
        """
        if self.read_at(offset, size, bytes) < size:
            raise io_failure(self.path, "it was cut while it was read")

    def write_at(self, offset: Int, bytes: Span[UInt8, _]) raises Rejection:
        """Writes all bytes.

        Args:
            offset: Where the first one goes.
            bytes: What to write.

        Raises:
            Rejection: The system failed.
        """
        var done = 0
        while done < len(bytes):
            var count = external_call["pwrite", Int](
                self.descriptor,
                bytes.unsafe_ptr().unsafe_offset(done),
                len(bytes) - done,
                offset + done,
            )
            if count < 0 and error_number() == EINTR:
                continue
            if count <= 0:
                raise system_failure(self.path, "write it")
            done += count

    def sync(self) raises Rejection:
        """Waits until all of the file, or of the folder, is on the disk.

        Raises:
            Rejection: The system failed.
        """
        if external_call["fsync", Int32](self.descriptor):
            raise system_failure(self.path, "sync it")

    def lock(self) raises Rejection:
        """Waits for the exclusive advisory lock, which ends with the descriptor.

        Raises:
            Rejection: The system failed.
        """
        while external_call["flock", Int32](self.descriptor, LOCK_EXCLUSIVE):
            if error_number() != EINTR:
                raise system_failure(self.path, "lock it")


def open_with(path: String, flags: Int32) raises Rejection -> Optional[File]:
    """Opens a file or a folder.

    Args:
        path: The path.
        flags: Of open(2); CLOSE_ON_EXEC is added.

    Returns:
        The file, None where there is none.

    Raises:
        Rejection: The system failed.
    """
    var c = path
    while True:
        var descriptor = external_call["open", Int32, num_fixed_args=2](
            c.as_c_string_span().ptr(), flags | CLOSE_ON_EXEC, Int32(0o666)
        )
        if descriptor >= 0:
            return File(descriptor, path)
        if error_number() == ENOENT:
            return None
        if error_number() != EINTR:
            raise system_failure(path, "open it")


def open_regular(path: String) raises Rejection -> Optional[File]:
    """Opens a file to read it; never waits for a FIFO or a device.

    Args:
        path: The path.

    Returns:
        The file, None where there is none.

    Raises:
        Rejection: It is no regular file, or the system failed.
    """
    # Asked before, because opening can do something to a device, and after, because it may be another file by then.
    var status = status_of(HERE, path, 0)
    if not status:
        return None
    _require_regular(path, status.value())
    var file = open_with(path, READ_ONLY | NON_BLOCKING | NO_TERMINAL)
    if file:
        _require_regular(path, file.value().status())
    return file^


def _require_regular(path: String, status: Status) raises Rejection:
    """Fails for folders, FIFOs and devices."""
    if not status.is_regular():
        raise io_failure(path, "is no regular file")


def create(path: String) raises Rejection -> File:
    """Creates an empty file; what is there under its name, a link too, is removed first.

    Args:
        path: The path.

    Returns:
        The file, open for writing.

    Raises:
        Rejection: The system failed.
    """
    _ = remove(path)
    var file = open_with(path, WRITE_ONLY | CREATE | EXCLUSIVE)
    if not file:
        raise io_failure(path, "cannot create it: there is no such folder")
    return file.take()


def remove(path: String) -> Bool:
    """Removes a file.

    Args:
        path: The path.

    Returns:
        True where it was there and is gone.
    """
    var c = path
    return external_call["unlink", Int32](c.as_c_string_span().ptr()) == 0


def rename(old: String, new: String) raises Rejection:
    """Renames a file, replacing another one in one step.

    Args:
        old: Its path.
        new: Its new path.

    Raises:
        Rejection: The system failed.
    """
    var c_old = old
    var c_new = new
    if external_call["rename", Int32](
        c_old.as_c_string_span().ptr(), c_new.as_c_string_span().ptr()
    ):
        raise system_failure(new, String("rename ", old, " to it"))


def make_folder(path: String) raises Rejection -> Bool:
    """Creates a folder where there is none.

    Args:
        path: The path; its parent is there.

    Returns:
        True where it was not there before.

    Raises:
        Rejection: The system failed.
    """
    var c = path
    if external_call["mkdir", Int32](c.as_c_string_span().ptr(), 0o777):
        if error_number() == EEXIST:
            return False
        raise system_failure(path, "create the folder")
    return True


def link_target(path: String) -> Optional[String]:
    """Reads a symbolic link.

    Args:
        path: The path.

    Returns:
        Where it leads, None for what is no link.
    """
    var c = path
    var buffer = List[UInt8](length=PATH_BYTES, fill=0)
    var length = external_call["readlink", Int](
        c.as_c_string_span().ptr(), buffer.unsafe_ptr(), PATH_BYTES
    )
    if length < 0:
        return None
    return String(StringSpan(unsafe_from_utf8=Span(buffer)[0:length]))


def names_in(folder: String) raises Rejection -> List[String]:
    """Lists a folder.

    Args:
        folder: Its path.

    Returns:
        The names of its entries, in no particular order.

    Raises:
        Rejection: The system failed.
    """
    try:
        return listdir(folder)
    except failure:
        raise io_failure(folder, String("cannot list it: ", failure))
