# Files: opened without ever waiting, read by ranges, written and synced; and the places below a folder.

"""
    StorageError(place, reason)

Thrown where the system fails and no rule is broken: no permission, a folder or a device where a file is due, a full
disk, a name that the system refuses. `place` is the path of the file, `reason` the system's own words.
"""
struct StorageError <: Exception
    place::String
    reason::String
end

Base.showerror(io::IO, e::StorageError) = print(io, repr(e.place), ": ", e.reason)

@noinline storage_error(place::String, errno = Libc.errno()) = throw(StorageError(place, Libc.strerror(errno)))

const O_RDONLY = Base.Filesystem.JL_O_RDONLY
const O_NEW = Base.Filesystem.JL_O_WRONLY | Base.Filesystem.JL_O_CREAT | Base.Filesystem.JL_O_EXCL
# What Base does not name: a FIFO is not waited for, and a program started meanwhile does not inherit a file.
const O_NONBLOCK = Sys.islinux() ? 0x00000800 : 0x00000004
const O_CLOEXEC = Sys.islinux() ? 0x00080000 : Sys.isapple() ? 0x01000000 : 0x00100000

const CHUNK_BYTES = 65536

"What tells one file from another that takes its place."
const FileIdentity = Tuple{UInt,UInt,Int,Float64,Float64}      # device, inode, size, modified, changed

"An open file."
mutable struct OpenFile
    fd::Cint
    place::String
    size::Int
    identity::FileIdentity
end

# A name with a NUL never reaches the system, which would take it for a shorter one.
known_to_system(place::String) = '\0' in place ? throw(StorageError(place, "a name cannot hold a NUL")) : place

function system_open(place::String, flags::Integer)
    while true
        fd = ccall(:open, Cint, (Cstring, Cint, Cint...), known_to_system(place), flags | O_CLOEXEC, 0o666)
        fd == -1 && Libc.errno() == Libc.EINTR && continue
        return fd
    end
end

"The regular file at `place`, open for reading; `nothing` where nothing is. All else is a [`StorageError`](@ref)."
function open_file(place::String)
    fd = system_open(place, O_RDONLY | O_NONBLOCK)
    fd == -1 && (Libc.errno() == Libc.ENOENT ? (return nothing) : storage_error(place))
    file = OpenFile(fd, place, 0, (0, 0, 0, 0.0, 0.0))
    try
        found = stat(RawFD(fd))
        isfile(found) || throw(StorageError(place, "it is no regular file"))
        file.size = found.size
        file.identity = (found.device, found.inode, found.size, found.mtime, found.ctime)
    catch
        close_file(file)
        rethrow()
    end
    file
end

function close_file(file::OpenFile)
    file.fd == -1 || ccall(:close, Cint, (Cint,), file.fd)
    file.fd = -1
    nothing
end

close_file(::Nothing) = nothing

"Read `n` bytes from `offset` on into `buffer` after its first `skip`; returns how many there were before the end."
function read_at!(buffer::Vector{UInt8}, skip::Int, file::OpenFile, offset::Int, n::Int)
    checkbounds(buffer, skip+1:skip+n)
    done = 0
    while done < n
        got = GC.@preserve buffer ccall(:pread, Cssize_t, (Cint, Ptr{UInt8}, Csize_t, Int64), file.fd,
                                        pointer(buffer) + skip + done, n - done, offset + done)
        got == -1 && Libc.errno() == Libc.EINTR && continue
        got == -1 && storage_error(file.place)
        got == 0 && break
        done += got
    end
    done
end

"Read `n` bytes that are there, as the file's size says, to the front of `buffer`."
function read_all!(buffer::Vector{UInt8}, file::OpenFile, offset::Int, n::Int)
    read_at!(buffer, 0, file, offset, n) == n || throw(StorageError(file.place, "it became shorter while it was read"))
    buffer
end

read_bytes(file::OpenFile, offset::Int, n::Int) = read_all!(Vector{UInt8}(undef, n), file, offset, n)

"The whole text of a file; `nothing` where it has more than `limit` bytes."
function read_text(file::OpenFile, limit::Int)
    file.size <= limit || return nothing
    text, done = Vector{UInt8}(undef, file.size + 1), 0
    while true
        done += read_at!(text, done, file, done, length(text) - done)
        done < length(text) && return String(resize!(text, done))
        done > limit && return nothing
        resize!(text, min(2 * length(text), limit + 1))      # it has grown, or does not tell its size
    end
end

# ---- places below a folder -------------------------------------------------------------------------------------------

"`place` is a relative path that does not climb: no component is empty, `.` or `..`; no backslash, no NUL."
function file_path(@nospecialize(place), at::JsonPointer)
    place isa AbstractString || reject("file.path", at, "expected a path as a string, got ", describe(place))
    any(c -> c == '\\' || c == '\0', place) &&
        reject("file.path", at, "expected a path without backslash and NUL, got ", describe(place))
    for component in split(place, '/')
        component in ("", ".", "..") && reject("file.path", at,
            "expected a relative path without empty parts, `.` and `..`, got ", describe(place))
    end
    String(place)
end

"`place` once links are followed; `nothing` where there is nothing."
function real_path(place::String)
    found = ccall(:realpath, Ptr{UInt8}, (Cstring, Ptr{UInt8}), known_to_system(place), C_NULL)
    found == C_NULL && return Libc.errno() == Libc.ENOENT ? nothing : storage_error(place)
    path = unsafe_string(found)
    Libc.free(found)
    path
end

"The file of a checked place below `folder` with its links followed, or `nothing`; outside the folder is `file.path`."
function real_path_below(folder::String, place::String, at::JsonPointer)
    found, above = real_path(joinpath(folder, place)), real_path(folder)
    (found === nothing || above === nothing) && return nothing
    inside_folder(found, above, at)
    found
end

inside_folder(found::String, folder::String, at::JsonPointer) =
    found == folder || startswith(found, rstrip(folder, '/') * "/") ||
    reject("file.path", at, "expected a place inside the folder, but its links lead to ", describe(found))

# ---- writing ---------------------------------------------------------------------------------------------------------

"A new file that is being written; `size` is where its end is."
mutable struct NewFile
    fd::Cint
    place::String
    size::Int
end

"Create a file in the place of what an interrupted save left there; a link there is removed, not followed."
function create_file(place::String)
    remove_file(place)
    fd = system_open(place, O_NEW)
    fd == -1 && storage_error(place)
    NewFile(fd, place, 0)
end

"Write the `n` first of `bytes` at `offset`."
function write_at!(file::NewFile, bytes::Vector{UInt8}, n::Int, offset::Int)
    checkbounds(bytes, 1:n)
    done = 0
    while done < n
        wrote = GC.@preserve bytes ccall(:pwrite, Cssize_t, (Cint, Ptr{UInt8}, Csize_t, Int64), file.fd,
                                         pointer(bytes) + done, n - done, offset + done)
        wrote == -1 && Libc.errno() == Libc.EINTR && continue
        wrote == -1 && storage_error(file.place)
        done += wrote
    end
end

function append_bytes!(file::NewFile, bytes::Vector{UInt8}, n::Int = length(bytes))
    write_at!(file, bytes, n, file.size)
    file.size += n
end

function close_file(file::NewFile)
    fd, file.fd = file.fd, -1
    fd == -1 || ccall(:close, Cint, (Cint,), fd) == 0 || storage_error(file.place)
    nothing
end

"See to it that what has been written to an open file or folder is on the disk."
function sync_file(fd::Cint, place::String)
    while ccall(:fsync, Cint, (Cint,), fd) == -1
        Libc.errno() == Libc.EINTR || storage_error(place)
    end
end

rename_file(old::String, new::String) =
    ccall(:rename, Cint, (Cstring, Cstring), old, new) == 0 || storage_error(old)

"Remove a file, if it is there; whether it was."
function remove_file(place::String)
    ccall(:unlink, Cint, (Cstring,), known_to_system(place)) == 0 && return true
    Libc.errno() == Libc.ENOENT ? false : storage_error(place)
end

folder_of(place::String) = (folder = dirname(place); isempty(folder) ? "." : folder)

"Create a folder and those above it, as far as they are not there."
function make_folder(folder::String, durable::Bool)
    isdir(known_to_system(folder)) && return
    above = folder_of(folder)
    above == folder || make_folder(above, durable)
    # Somebody else may have made it meanwhile; what it is shows when it is opened.
    ccall(:mkdir, Cint, (Cstring, Cint), folder, 0o777) == 0 || Libc.errno() == Libc.EEXIST || storage_error(folder)
    durable || return
    fd = open_folder(above)
    try
        sync_file(fd, above)
    finally
        close_folder(fd)
    end
end

"A descriptor of a folder, to lock and to sync it."
function open_folder(folder::String)
    fd = system_open(folder, O_RDONLY | O_NONBLOCK)
    fd == -1 && storage_error(folder)
    isdir(stat(RawFD(fd))) && return fd
    close_folder(fd)
    storage_error(folder, Libc.ENOTDIR)
end

close_folder(fd::Cint) = (ccall(:close, Cint, (Cint,), fd); nothing)

const LOCK_EX, LOCK_NB = 2, 4

"Wait for the exclusive advisory lock on an open folder; it ends when the folder is closed."
function lock_folder(fd::Cint, folder::String)
    # A call that waits would keep other threads from collecting garbage, and one of these may have the lock.
    while ccall(:flock, Cint, (Cint, Cint), fd, LOCK_EX | LOCK_NB) == -1
        errno = Libc.errno()
        # The errno of a lock that somebody has, EWOULDBLOCK, is the same as EAGAIN wherever Julia runs.
        errno == Libc.EINTR || errno == Libc.EAGAIN || storage_error(folder, errno)
        Libc.systemsleep(0.001)
    end
end
