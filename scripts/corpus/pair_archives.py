"""Cases of checkpoint.load about archives: the records and headers of a zip file, compressed data, and the digest."""

from __future__ import annotations

import hashlib
import struct
from dataclasses import replace
from typing import Any
from zlib import adler32, crc32

from artefacts import (
    ARCHIVE,
    ARCHIVE2,
    DATE,
    DEFLATE,
    Bits,
    Part,
    blocks,
    digest,
    fixed,
    framed,
    keep,
    keep_pair,
    members,
    npy,
    runs,
    sidecar,
    sidecar2,
    stored_layer,
    stored_network,
    unpacked64,
    zip64_extra,
    zipped,
)
from pairs import SOUND, SOUND2, Pairs

pairs = Pairs("archive")
TABLES = pairs.tables
reject, accept = pairs.reject, pairs.accept

keep_pair(SOUND, sidecar(), ARCHIVE, "a sound pair of format 1, stored, without a digest")
keep_pair(
    SOUND2,
    sidecar2(archive_digest=digest(ARCHIVE2)),
    ARCHIVE2,
    "a sound pair of format 2 with biases, stored, with its digest",
)
pairs.load.accept("load-sound", "A pair as numpy.savez and json.dump write it.", {"base": SOUND})
pairs.load.accept(
    "load-sound-network", "A pair that is a whole network: its members are in due order.", {"base": SOUND2}
)

FIRST, SECOND = members()
RAMP = [(7 * i * i % 61 - 30) / 16 for i in range(60)]
RAMP_DEFLATED = (  # the npy file of RAMP with shape (2, 30), by zlib 1.2.13 at level 9
    "m+wX6hsQychQxlCtnpJanFykbqWgbpNmoa6joJ6WX1RSlJgXn1+UkgoSd0vMKU4FihdnJBakAvkaRjoKxgaaOgq1CuQCLgYw+Lcf"
    "Qn+H0geg9B8o/dUeKg+lv0HFH0D5j6D8F1B6A5T+AZU/AKVvQMVh4AtU/A5U/AuU/gylL0DpnzB1UPoElH4FpX9A1b2B8q9A6SdQ"
    "+i+U3gDTtx+V3oCm7gmaOW/Q7HmF5g6Yu2DuvIDmD5i/4P60Rw0HWLjAwgkWbhvQwvURWrjD4gEWL7B4+gOPRwA="
)
LOCAL_BYTES = 30 + len("layer_0.npy")
DIRECTORY = int.from_bytes(ARCHIVE[-6:-2], "little")


def deflated(*changed: Part) -> bytes:
    """The archive of the two layers, deflated, some of its members replaced."""
    parts = {part.name: part for part in members(method=DEFLATE)} | {part.name: part for part in changed}
    return zipped(list(parts.values()))


def first(**changes: Any) -> bytes:
    """The archive with a changed layer_0."""
    return zipped([replace(FIRST, **changes), SECOND])


def second(**changes: Any) -> bytes:
    """The archive with a changed layer_1."""
    return zipped([FIRST, replace(SECOND, **changes)])


# --- archive.missing

reject("no-archive", "archive.missing", "", "no archive", "A sidecar alone is no checkpoint.", None, None, twin=True)
reject(
    "no-archive-digest",
    "archive.missing",
    "",
    "no archive, neither the plain one nor one under a temporary name",
    "With a digest two names are tried; where neither is there, an archive is missing, and no digest is wrong.",
    sidecar(archive_digest="0" * 64),
    None,
)
base = "artefacts/archive/leftover-without-digest"
keep_pair(base, sidecar(), None, "the archive only under the name that it has while it is saved")
keep(f"{base}.npz.{digest(ARCHIVE)[:16]}", ARCHIVE, "the archive of leftover-without-digest")
pairs.missing(
    "leftover-without-digest",
    "archive.missing",
    "",
    "Only a digest tells which of the files beside BASE.npz is meant; without one none is.",
    base,
)
base = "artefacts/archive/saved-halfway"
keep_pair(base, sidecar(archive_digest=digest(ARCHIVE)), None, "as a crash between steps 2 and 3 of a save leaves it")
keep(f"{base}.npz.{digest(ARCHIVE)[:16]}", ARCHIVE, "the archive of saved-halfway")
pairs.load.accept(
    "load-saved-halfway",
    "A save was interrupted after its commit: the new archive still has its first name.",
    {"base": base},
    near="archive.missing",
)
base = "artefacts/archive/saved-over"
older = zipped([replace(FIRST, content=npy([2.0] * 6, (2, 3))), SECOND])
keep_pair(base, sidecar(archive_digest=digest(ARCHIVE)), older, "an older archive, and the one of the digest beside it")
keep(f"{base}.npz.{digest(ARCHIVE)[:16]}", ARCHIVE, "the archive of saved-over")
pairs.load.accept(
    "load-saved-over",
    "A save over an old pair was interrupted after its commit: the old archive is not the one of the sidecar.",
    {"base": base},
    near=["archive.digest", "archive.missing"],
)
base = "artefacts/archive/saved-not-yet"
keep_pair(base, sidecar(archive_digest=digest(ARCHIVE)), ARCHIVE, "as a crash before step 2 of a save leaves it")
keep(f"{base}.npz.{digest(older)[:16]}", older, "the newer archive of saved-not-yet")
pairs.load.accept(
    "load-saved-not-yet",
    "A save was interrupted before its commit: the old pair is whole, the new archive is nothing yet.",
    {"base": base},
    near="archive.missing",
)
base = "artefacts/archive/broken-beside-sound"
keep_pair(base, sidecar(archive_digest=digest(ARCHIVE)), ARCHIVE[:-5], "an archive cut short, a sound one beside it")
keep(f"{base}.npz.{digest(ARCHIVE)[:16]}", ARCHIVE, "the archive of broken-beside-sound")
pairs.load.accept(
    "load-broken-beside-sound",
    "An archive that is cut short has not the digest either, so the one beside it is taken.",
    {"base": base},
    near=["archive.truncated", "archive.digest"],
)

# --- archive.not-zip

for name, content, done in [
    ("empty-file", b"", "an archive of no bytes"),
    ("three-bytes", b"PK\x03", "an archive of three bytes"),
    ("gzip", b"\x1f\x8b\x08\x00" + ARCHIVE[4:], "begins as a gzip file"),
    ("only-npy", npy([1.0], (1, 1)), "an npy file instead of an archive"),
    ("self-extracting", b"#!/bin/sh\n" + zipped(members(), prefix=b"#!/bin/sh\n")[10:], "text before the first member"),
    (
        "spanned",
        b"PK\x07\x08" + zipped(members(), prefix=b"PK\x07\x08")[4:],
        "with the mark of a spanned archive",
    ),
]:
    why = "What does not begin as a zip file is none, though its end may be: one archive has one reading."
    reject(name, "archive.not-zip", "", done, why, None, content, twin=name == "gzip")
accept(
    "no-members",
    ["archive.not-zip", "archive.member-missing"],
    "no layers, and an archive that is only its end record",
    "An archive without members begins with its end record.",
    {"n_layers": 0, "layer_names": [], "layer_sizes": [], "total_params": 0},
    zipped([]),
    facts={"n_layers": 0, "members": []},
)

# --- archive.truncated

for name, content, done in [
    ("cut-by-one", ARCHIVE[:-1], "the last byte is missing"),
    ("cut-in-data", ARCHIVE[:200], "the end is missing from within the data of layer_0"),
    ("only-signature", b"PK\x03\x04", "four bytes"),
    ("end-of-21-bytes", zipped([])[:-1], "an end record without its last byte"),
    ("newline-behind", ARCHIVE + b"\n", "a newline behind the end record"),
    ("end-signature", zipped(members(), end={"signature": b"PK\x05\x05"}), "another signature of the end record"),
]:
    why = "The end record is the last 22 bytes, and is not searched for: who scans backwards finds another."
    reject(name, "archive.truncated", "", done, why, None, content, twin=name == "cut-by-one")
reject(
    "comment",
    "archive.truncated",
    "",
    "an archive with a comment of two bytes",
    "A comment of the archive moves the end record, and could hold another one.",
    None,
    zipped(members(), end={"comment_bytes": 2}, behind=b"hi"),
)
reject(
    "comment-length-alone",
    "archive.truncated",
    "",
    "the length of the comment is 1, and there is none",
    "A comment is announced that the file no longer has.",
    None,
    zipped(members(), end={"comment_bytes": 1}),
)
accept(
    "comment-of-entry",
    "archive.truncated",
    "comments of the entries, one of them with the signature of an end record",
    "Comments of entries are ignored; a reader that scans for the end record from behind must not stop at this one.",
    None,
    second(central={"comment": b"PK\x05\x06" + bytes(18)}),
)
accept(
    "end-record-in-data",
    "archive.truncated",
    "an end record of an empty archive inside the data of layer_0",
    "Only the last 22 bytes are the end record.",
    sidecar(layer_sizes=[[3, 1], [1, 0]], layer_names=["a", "b"], total_params=3),
    zipped(
        [
            Part("layer_0.npy", npy(list(struct.unpack("<3d", zipped([]) + b"\0\x3f")), (1, 3))),
            Part("layer_1.npy", npy([], (0, 1))),
        ]
    ),
)

# --- archive.end-record

CENTRAL_BYTES = len(ARCHIVE) - 22 - DIRECTORY
SIZE = len(FIRST.content)
for name, end in {
    "disk": {"disk": 1},
    "directory-disk": {"directory_disk": 1},
    "counts-differ": {"here": 1},
    "counts-differ-below": {"count": 3},
    "offset-low": {"offset": DIRECTORY - 1},
    "offset-high": {"offset": DIRECTORY + 1},
    "offset-zero": {"offset": 0},
    "size-low": {"size": CENTRAL_BYTES - 46},
    "size-high": {"size": CENTRAL_BYTES + 1},
    "offset-wraps": {"offset": 0xFFFFFFFE, "size": (CENTRAL_BYTES + DIRECTORY + 2) % 2**32},
}.items():
    reject(
        f"end-{name}",
        "archive.end-record",
        "",
        f"in the end record {', '.join(f'{key} = {value}' for key, value in end.items())}",
        "The end record must agree with itself and with the file to the byte; nothing is worked out instead.",
        None,
        zipped(members(), end=end),
        twin=name == "disk",
    )
reject(
    "end-gap-before",
    "archive.end-record",
    "",
    "four bytes between the directory and the end record",
    "Bytes between the directory and the end record are no part of anything.",
    None,
    zipped(members(), padding=b"\0\0\0\0", end={"size": CENTRAL_BYTES}),
)
reject(
    "prefix-unadjusted",
    "archive.end-record",
    "",
    "an archive of no members before the archive, whose offsets do not count it",
    "Many readers add the difference to all offsets; so one file could be two archives.",
    None,
    zipped([]) + ARCHIVE,
)
SATURATED = {"here": 0xFFFF, "count": 0xFFFF, "size": 0xFFFFFFFF, "offset": 0xFFFFFFFF}
for field in ("count", "size", "offset"):
    end = {key: value for key, value in SATURATED.items() if key == field or (field == "count" and key == "here")}
    reject(
        f"zip64-absent-{field}",
        "archive.end-record",
        "",
        f"{field} of the end record is all ones, and there are no zip64 records",
        "All ones mean that the number stands in the zip64 end record, which is then due.",
        None,
        zipped(members(), end=end),
    )
    accept(
        f"zip64-only-{field}",
        "archive.end-record",
        f"{field} of the end record is all ones, and stands in a zip64 end record",
        "One saturated field is enough for the zip64 end record to be looked for.",
        None,
        zipped(members(), end=end, zip64={}),
    )
for name, change in {
    "locator-signature": {"l_signature": b"PK\x06\x08"},
    "locator-disk": {"l_disk": 1},
    "locator-disks": {"l_disks": 2},
    "locator-disks-none": {"l_disks": 0},
    "locator-offset": {"l_offset": DIRECTORY + CENTRAL_BYTES - 1},
    "locator-offset-far": {"l_offset": 2**63},
    "locator-offset-wraps": {"l_offset": 2**64 - 1},
    "signature": {"signature": b"PK\x06\x05"},
    "disk": {"disk": 1},
    "directory-disk": {"directory_disk": 1},
    "counts-differ": {"here": 1},
    "size": {"size": CENTRAL_BYTES - 1},
    "offset": {"offset": DIRECTORY + 1},
    "offset-wraps": {"offset": 2**64 - 1, "size": CENTRAL_BYTES + DIRECTORY + 1},
    "rest-short": {"rest": 43},
    "rest-long": {"rest": 45},
    "rest-wraps": {"rest": 2**64 - 12},
}.items():
    reject(
        f"zip64-bad-{name}",
        "archive.end-record",
        "",
        f"in the zip64 records {', '.join(f'{key} = {value!r}' for key, value in change.items())}",
        "The zip64 records must agree with the file to the byte, and no sum of their fields may wrap round.",
        None,
        zipped(members(), end=SATURATED, zip64=change),
    )
reject(
    "zip64-too-short",
    "archive.end-record",
    "",
    "an end record with saturated fields and nothing before it",
    "There is no room for the zip64 records that are due.",
    None,
    zipped([], end=SATURATED),
)
accept(
    "zip64-all",
    "archive.end-record",
    "all fields of the end record are all ones, and stand in a zip64 end record",
    "Large archives are written so, and small ones by writers that do not know the size before.",
    None,
    zipped(members(), end=SATURATED, zip64={}),
    tags="zip64",
)
accept(
    "zip64-extensible",
    "archive.end-record",
    "a zip64 end record with 8 bytes of extensible data",
    "The size of the zip64 end record may be above 44: what follows its fields is ignored.",
    None,
    zipped(members(), end=SATURATED, zip64={"rest": 52, "more": b"\x01\0\x04\0abcd"}),
)
reject(
    "zip64-unasked",
    "archive.end-record",
    "",
    "zip64 records though no field of the end record is all ones",
    "Without a saturated field nobody looks for zip64 records, so they are bytes between directory and end record.",
    None,
    zipped(members(), zip64={}),
)
reject(
    "zip64-unasked-other",
    "archive.end-record",
    "",
    "zip64 records with a count of 1 though no field of the end record is all ones",
    "A reader that always looks for a locator reads another directory than the others.",
    None,
    zipped(members(), zip64={"here": 1, "count": 1}),
)

# --- archive.digest

DIGEST = digest(ARCHIVE)
reject(
    "digest-other",
    "archive.digest",
    "",
    "the last digit of the digest is another one",
    "The whole digest is compared, not its first 16 digits, which are in the name of a file.",
    sidecar(archive_digest=DIGEST[:-1] + ("0" if DIGEST[-1] != "0" else "1")),
    twin=True,
)
reject(
    "digest-of-all",
    "archive.digest",
    "",
    "the digest is that of all bytes of the archive",
    "The digest begins at the first central header, so that it is cheap to check for a large archive.",
    sidecar(archive_digest=hashlib.sha256(ARCHIVE).hexdigest()),
)
reject(
    "digest-without-end",
    "archive.digest",
    "",
    "the digest leaves out the end record",
    "The digest goes to the end of the file, with the end records.",
    sidecar(archive_digest=hashlib.sha256(ARCHIVE[DIRECTORY:-22]).hexdigest()),
)
reject(
    "digest-mixed-pair",
    "archive.digest",
    "",
    "the archive of another checkpoint of the same shapes",
    "Without the digest a sidecar beside another archive of the same shapes is a mixed pair that loads.",
    sidecar(archive_digest=DIGEST),
    older,
)
accept(
    "digest",
    "archive.digest",
    "a sound pair with its digest",
    "The digest binds a pair of format 1 too.",
    sidecar(archive_digest=DIGEST),
    facts={"format_version": 1},
)
ZIP64 = zipped(members(), end=SATURATED, zip64={})
accept(
    "digest-zip64",
    "archive.digest",
    "a pair with zip64 end records and its digest",
    "The digest begins at the directory's offset in the zip64 end record, where the end record's is all ones.",
    sidecar(archive_digest=hashlib.sha256(ZIP64[DIRECTORY:]).hexdigest()),
    ZIP64,
)
accept(
    "digest-absent-other",
    "archive.digest",
    "the archive of another checkpoint of the same shapes, the sidecar without a digest",
    "A sidecar without a digest is bound to nothing.",
    None,
    older,
)

# --- archive.entry-count

EXTRA = Part("layer_2.npy", npy([1.0], (1, 1)))
reject(
    "entry-more",
    "archive.entry-count",
    "",
    "a third member, where two are due",
    "The number of entries is checked before the directory is read, so that a million of them cost nothing.",
    None,
    zipped([*members(), EXTRA]),
    twin=True,
)
reject(
    "entry-bias-format-1",
    "archive.entry-count",
    "",
    "a bias beside the weights, the sidecar of format 1",
    "In format 1 no biases are due.",
    None,
    zipped(members("layer_0", "layer_1", "bias_0")),
)
reject(
    "entry-count-declared",
    "archive.entry-count",
    "",
    "the end record declares 3 entries, the directory has 2",
    "The count that is declared decides: more than are due.",
    None,
    zipped(members(), end={"here": 3, "count": 3}),
)
reject(
    "entry-count-zip64",
    "archive.entry-count",
    "",
    "the zip64 end record declares 2^64-1 entries",
    "The count of the zip64 end record has 8 bytes; nothing is allocated by it.",
    None,
    zipped(members(), end=SATURATED, zip64={"here": 2**64 - 1, "count": 2**64 - 1}),
)
reject(
    "entry-folder",
    "archive.entry-count",
    "",
    "an entry for a folder beside the members",
    "An entry for a folder is an entry.",
    None,
    zipped([Part("model/", b""), *members()]),
)
accept(
    "entry-hidden",
    "archive.entry-count",
    "a third member that the directory does not list",
    "What is in the file and not in the directory is no member: only the directory is read.",
    None,
    zipped([FIRST, replace(EXTRA, hidden=True), SECOND]),
)
accept(
    "entry-gaps",
    ["archive.entry-count", "archive.local-header"],
    "bytes before the first member, between the members and before the directory",
    "Members need not follow each other closely: writers align them, and remove some.",
    None,
    zipped([FIRST, replace(SECOND, gap=b"\xff" * 27)], before=b"PK\x03\x04"),
)

# --- archive.directory

reject(
    "directory-large",
    "archive.directory",
    "",
    "2,049 bytes of directory for two entries",
    "The directory has at most 1,024 bytes per entry, which bounds what is read of a hostile file.",
    None,
    zipped([FIRST, replace(SECOND, central={"comment": b"x" * (2049 - CENTRAL_BYTES)})]),
    twin=True,
)
accept(
    "directory-large-just-not",
    "archive.directory",
    "2,048 bytes of directory for two entries",
    "1,024 bytes per entry are allowed, whichever entry has them.",
    None,
    zipped([FIRST, replace(SECOND, central={"comment": b"x" * (2048 - CENTRAL_BYTES)})]),
)
for name, archive, done in [
    ("no-entries", zipped(members(), end={"here": 0, "count": 0}), "the end record declares no entries"),
    ("one-entry", zipped(members(), end={"here": 1, "count": 1}), "the end record declares 1 entry"),
    ("signature", first(central={"signature": b"PK\x01\x03"}), "another signature of the first central header"),
    (
        "signature-local",
        second(central={"signature": b"PK\x03\x04"}),
        "a central header is signed as a local one",
    ),
    ("padding", zipped(members(), padding=b"\0"), "a byte behind the last central header that the size counts"),
    ("name-long", second(central={"name_bytes": 12}), "the last name reaches beyond the directory"),
    ("extra-long", second(central={"extra_bytes": 1}), "the last extra field reaches beyond the directory"),
    ("comment-long", second(central={"comment_bytes": 65535}), "the last comment reaches beyond the directory"),
    ("name-short", first(central={"name_bytes": 10}), "the first name is declared one byte shorter than it is"),
    ("disk", first(central={"disk": 1}), "the first member is said to be on disk 1"),
    ("disk-saturated", first(central={"disk": 0xFFFF}), "the disk of the first member is all ones"),
    (
        "offset-in-directory",
        first(central={"offset": DIRECTORY - 29}),
        "a local header that reaches too far",
    ),
    ("offset-far", first(central={"offset": 0xFFFFFFFE}), "a local header far behind the end of the file"),
    ("size-saturated", first(central={"size": 0xFFFFFFFF}), "a size of all ones without a zip64 extra field"),
    ("compressed-saturated", first(central={"compressed": 0xFFFFFFFF}), "a compressed size of all ones alone"),
    ("offset-saturated", second(central={"offset": 0xFFFFFFFF}), "an offset of all ones without a zip64 extra field"),
    (
        "zip64-extra-short",
        first(central={"size": 0xFFFFFFFF, "compressed": 0xFFFFFFFF, "extra": zip64_extra(len(FIRST.content))}),
        "two saturated fields, and one value in the zip64 extra field",
    ),
    (
        "zip64-extra-cut",
        first(central={"size": 0xFFFFFFFF, "extra": struct.pack("<2HL", 1, 8, 0)}),
        "a zip64 extra field that is longer than the extra fields are together",
    ),
    (
        "zip64-extra-long",
        first(central={"size": 0xFFFFFFFF, "extra": struct.pack("<2HQ", 1, 9, SIZE)}),
        "a zip64 extra field with the value, declared one byte longer than it is",
    ),
    (
        "zip64-extra-longest",
        second(central={"offset": 0xFFFFFFFF, "extra": struct.pack("<2HQ", 1, 0xFFFF, LOCAL_BYTES + SIZE)}),
        "a zip64 extra field with the value, declared with 65,535 bytes",
    ),
    (
        "zip64-extra-other-id",
        first(central={"size": 0xFFFFFFFF, "extra": b"\2" + zip64_extra(len(FIRST.content))[1:]}),
        "the value of a saturated field in an extra field with the id 2",
    ),
    (
        "zip64-extra-offset-far",
        first(central={"offset": 0xFFFFFFFF, "extra": zip64_extra(2**64 - 30)}),
        "an offset in a zip64 extra field to which 30 cannot be added in 64 bits",
    ),
]:
    reject(
        f"directory-{name}",
        "archive.directory",
        "",
        done,
        "The headers fill the directory exactly, and every field of theirs is what it must be.",
        None,
        archive,
    )
for name, central, done in [
    ("size", {"size": 0xFFFFFFFF, "extra": zip64_extra(SIZE)}, "the size in a zip64 extra field"),
    (
        "compressed",
        {"compressed": 0xFFFFFFFF, "extra": zip64_extra(SIZE)},
        "the compressed size in an extra field",
    ),
    ("offset", {"offset": 0xFFFFFFFF, "extra": zip64_extra(0)}, "the offset in a zip64 extra field"),
    (
        "all",
        {"size": 0xFFFFFFFF, "compressed": 0xFFFFFFFF, "offset": 0xFFFFFFFF, "extra": zip64_extra(SIZE, SIZE, 0)},
        "both sizes and the offset in a zip64 extra field",
    ),
    (
        "behind-other",
        {"size": 0xFFFFFFFF, "extra": struct.pack("<2H", 0x5455, 5) + b"\1abcd" + zip64_extra(SIZE)},
        "a zip64 extra field behind one with a time",
    ),
    (
        "with-disk",
        {"size": 0xFFFFFFFF, "extra": struct.pack("<2HQL", 1, 12, SIZE, 0)},
        "a zip64 extra field that goes on with a disk number",
    ),
]:
    accept(
        f"zip64-extra-{name}",
        "archive.directory",
        done,
        "The values of saturated fields stand in a zip64 extra field: only theirs, and in the order of the format.",
        None,
        first(central=central),
        tags="zip64",
    )
accept(
    "zip64-extra-unasked",
    "archive.directory",
    "a zip64 extra field with nonsense where no field is saturated",
    "Where no field is saturated, the zip64 extra field is ignored as all others are.",
    None,
    first(central={"extra": zip64_extra(1, 2, 3)}),
)
accept(
    "extra-malformed",
    "archive.directory",
    "extra fields that are no sequence of fields, in both headers",
    "Extra fields are ignored, whatever is in them.",
    None,
    first(central={"extra": b"\xff"}, local={"extra": b"\x01\x00\xff\xff\x00"}),
)

# --- names

OTHER = "../layer_1.npy"
for name, member in [
    ("parent", "../layer_1.npy"),
    ("absolute", "/layer_1.npy"),
    ("folder", "weights/layer_1.npy"),
    ("backslash", "weights\\layer_1.npy"),
    ("behind", "layer_1.npy/"),
]:
    reject(
        f"member-path-{name}",
        "archive.member-path",
        "",
        f"a member with the name {member}",
        "A name with a slash or backslash could lead a careless extractor out of its folder; it is told apart.",
        None,
        zipped([FIRST, replace(SECOND, name=member)]),
        twin=name == "parent",
    )
for name, member in [
    ("other", "layer_2.npy"),
    ("case", "Layer_1.npy"),
    ("no-suffix", "layer_1"),
    ("zero-padded", "layer_01.npy"),
    ("arr", "arr_1.npy"),
    ("space", "layer_1.npy "),
    ("nul", "layer_1.npy\0"),
    ("unicode", "layer_\u0661.npy"),
    ("empty", ""),
    ("dot-dot", ".."),
    ("bias", "bias_1.npy"),
]:
    reject(
        f"member-unexpected-{name}",
        "archive.member-unexpected",
        "",
        f"a member with the name {member!r}",
        "Names are compared byte by byte with those of the members due.",
        None,
        zipped([FIRST, replace(SECOND, name=member)]),
        twin=name == "other",
    )
accept(
    "member-utf8-flag",
    "archive.member-unexpected",
    "bit 11 of the flags: names are UTF-8",
    "Whether names are said to be UTF-8 makes no difference for these.",
    None,
    zipped([FIRST, replace(SECOND, flags=1 << 11)]),
)
accept(
    "member-order-reversed",
    ["archive.member-unexpected", "archive.member-missing"],
    "data and directory in reversed order",
    "Members are found by their names; the answer has them in due order.",
    None,
    zipped([SECOND, FIRST]),
)
accept(
    "member-order-directory",
    ["archive.member-unexpected", "archive.member-path"],
    "the directory lists the members in another order than that of their data",
    "The order of the directory need not be that of the data.",
    None,
    zipped(members(), listed=["layer_1.npy", "layer_0.npy"]),
)
accept(
    "member-dots",
    "archive.member-path",
    "a comment with slashes in an entry",
    "Only names are looked at for slashes.",
    None,
    first(central={"comment": b"../../etc/passwd"}),
)
reject(
    "member-twice",
    "archive.member-twice",
    "",
    "layer_0 twice with other values, no layer_1",
    "Of two members of one name some readers take the first and some the last.",
    None,
    zipped([FIRST, replace(FIRST, content=npy([9.0] * 6, (2, 3)))]),
    twin=True,
)
reject(
    "member-twice-same-header",
    "archive.member-twice",
    "",
    "the directory lists layer_0 twice with the same local header",
    "The same member listed twice is listed twice.",
    None,
    zipped([FIRST, replace(FIRST, elsewhere="layer_0.npy")]),
)
accept(
    "member-twice-hidden",
    ["archive.member-twice", "archive.not-zip"],
    "a second layer_0 with other values that the directory does not list",
    "A reader that goes through local headers finds two; there is one.",
    None,
    zipped([replace(FIRST, content=npy([9.0] * 6, (2, 3)), hidden=True), FIRST, SECOND]),
)
accept(
    "member-twice-hidden-last",
    "archive.member-twice",
    "a last layer_1 with other values that the directory does not list",
    "The one that the directory lists counts, not the last one in the file.",
    None,
    zipped([FIRST, SECOND, replace(SECOND, content=npy([9.0] * 2, (1, 2)), hidden=True)]),
)
reject(
    "member-missing",
    "archive.member-missing",
    "/weights/1",
    "no layer_1",
    "The path names the first member due that is not there.",
    None,
    zipped([FIRST]),
    twin=True,
)
reject(
    "member-missing-all",
    "archive.member-missing",
    "/weights/0",
    "an archive without members",
    "An archive without members is a zip file; it lacks all members, of which the first is named.",
    None,
    zipped([]),
)
reject(
    "member-missing-bias",
    "archive.member-missing",
    "/biases/0",
    "no bias_0",
    "A bias that the network has is a member due, after the weights of its layer.",
    sidecar2(),
    zipped(members("layer_0", "layer_1", "bias_1")),
)
reject(
    "member-missing-two",
    "archive.member-missing",
    "/weights/1",
    "neither layer_1 nor bias_1",
    "Members are due in the order layer_0, bias_0, layer_1, bias_1.",
    sidecar2(),
    zipped(members("layer_0", "bias_0")),
)
accept(
    "member-no-bias",
    "archive.member-missing",
    "a network of which only layer 1 has a bias",
    "A bias is due only where the network has it.",
    sidecar2(stored_network(stored_layer(0, bias=False), stored_layer(1)), total_params=9),
    zipped(members("bias_1", "layer_1", "layer_0")),
    twin=3,
)

# --- archive.encrypted, archive.compression

for bit in (0, 6, 13):
    reject(
        f"encrypted-bit-{bit}",
        "archive.encrypted",
        "/weights/1",
        f"bit {bit} of the flags of layer_1",
        "Three bits of the flags say that data or headers are encrypted; none of them is to be overlooked.",
        None,
        second(flags=1 << bit),
        twin=bit == 0,
    )
accept(
    "flags-others",
    "archive.encrypted",
    "all other bits of the flags but the one of a data descriptor",
    "No other bit of the flags is a reason to reject.",
    None,
    second(flags=0xFFFF & ~(1 << 0 | 1 << 3 | 1 << 6 | 1 << 13)),
)
accept(
    "flags-local",
    "archive.encrypted",
    "bits 6 and 13 of the flags in a local header alone",
    "Of the flags in the local header only bit 0 is compared.",
    None,
    second(local={"flags": 1 << 6 | 1 << 13}),
)
for method, known in {1: "shrink", 9: "deflate64", 12: "bzip2", 14: "lzma", 93: "zstandard", 99: "AES"}.items():
    reject(
        f"compression-{known.lower()}",
        "archive.compression",
        "/weights/0",
        f"method {method} ({known})",
        "A zip library that knows more methods than stored and deflate makes a checkpoint that others cannot read.",
        None,
        first(method=method),
        twin=method == 12,
    )
accept(
    "deflated",
    "archive.compression",
    "both members deflated",
    "As numpy.savez_compressed writes it.",
    None,
    deflated(),
)
accept(
    "deflated-and-stored",
    ["archive.compression", "archive.data"],
    "one member deflated in two stored blocks, the other stored",
    "A deflate stream may have blocks without compression, and members need not share a method.",
    None,
    first(method=DEFLATE, raw=blocks(FIRST.content[:100], last=False) + blocks(FIRST.content[100:])),
)
accept(
    "deflated-empty-blocks",
    "archive.data",
    "a deflate stream with empty blocks before, between and behind the data",
    "An empty block is a block.",
    None,
    first(
        method=DEFLATE,
        raw=blocks(b"", last=False) + blocks(FIRST.content, last=False) + blocks(b"", last=False) + blocks(b""),
    ),
)

# --- archive.local-header

for name, archive, done in [
    ("method", first(local={"method": DEFLATE}), "stored in the directory, deflate in the local header"),
    ("name", first(local={"name": b"layer_1.npy"}), "the local header has the name of the other member"),
    ("name-case", first(local={"name": b"LAYER_0.npy"}), "the local header has the name in capitals"),
    ("name-short", first(local={"name_bytes": 10}), "the name in the local header is declared a byte shorter"),
    ("name-long", first(local={"name_bytes": 0xFFFF}), "the name in the local header reaches beyond the file"),
    ("flag-0", first(local={"flags": 1}), "bit 0 of the flags in the local header alone"),
    (
        "extra-into-directory",
        first(local={"extra_bytes": 0xFFFF}),
        "the extra field in the local header reaches beyond the file",
    ),
    (
        "data-into-directory",
        first(central={"compressed": DIRECTORY, "size": DIRECTORY}),
        "the data of layer_0 reaches into the directory",
    ),
    (
        "data-far",
        first(central={"compressed": 0xFFFFFFFE}),
        "the data of layer_0 reaches far beyond the file",
    ),
    (
        "data-wraps",
        first(central={"compressed": 0xFFFFFFFF, "size": 0xFFFFFFFF, "extra": zip64_extra(SIZE, 2**64 - 20)}),
        "a compressed size that wraps round in 64 bits",
    ),
]:
    reject(
        f"local-{name}",
        "archive.local-header",
        "/weights/0",
        done,
        "A reader by local headers and a reader by the directory must find the same member in the same bytes.",
        None,
        archive,
        twin=name == "method",
    )
reject(
    "local-signature",
    "archive.local-header",
    "/weights/1",
    "the local header of layer_1 is signed as a central one",
    "Where the directory points, a local header must stand.",
    None,
    second(local={"signature": b"PK\x01\x02"}),
)
reject(
    "local-overlap-same",
    "archive.local-header",
    "/weights/1",
    "two members with the same local header",
    "Many members out of the same bytes make a bomb of a small file.",
    None,
    zipped([FIRST, replace(SECOND, elsewhere="layer_0.npy", central={"name": b"layer_1.npy"})]),
)
INNER = zipped([SECOND])[: LOCAL_BYTES + len(SECOND.content)]
WIDE = -(-len(INNER) // 8)
QUOTED = Part("layer_0.npy", npy(struct.unpack(f"<{WIDE}d", INNER.ljust(8 * WIDE, b"\0")), (1, WIDE)))
INSIDE = {"offset": LOCAL_BYTES + len(QUOTED.content) - 8 * WIDE}
reject(
    "local-overlap-inside",
    "archive.local-header",
    "/weights/1",
    "layer_1 lies inside the data of layer_0",
    "A member inside the data of another one is read twice.",
    sidecar(layer_sizes=[[WIDE, 1], [2, 1]], total_params=WIDE + 2),
    zipped([QUOTED, replace(SECOND, elsewhere="layer_0.npy", central=INSIDE)]),
)
reject(
    "local-overlap-by-one",
    "archive.local-header",
    "/weights/1",
    "the declared data of layer_0 ends one byte behind the beginning of the local header of layer_1",
    "A byte that belongs to two members is one too many.",
    None,
    first(central={"compressed": SIZE + 1, "size": SIZE + 1}),
)
accept(
    "local-touching",
    "archive.local-header",
    "the members lie close together, the last one up to the directory",
    "Where the data of a member ends, the next one may begin: the ends do not overlap.",
    None,
    zipped(members(method=DEFLATE)),
)
accept(
    "local-sizes-ignored",
    ["archive.local-header", "archive.size"],
    "sizes and CRC of the local headers are nonsense",
    "Sizes and CRC are those of the directory; of the local header they are not known to writers that stream.",
    None,
    zipped([replace(part, local={"crc": 1, "compressed": 2, "size": 3}) for part in members()]),
)
accept(
    "local-version-and-date",
    "archive.local-header",
    "versions, dates and attributes of both headers are nonsense",
    "Versions, dates and attributes do not matter.",
    None,
    first(
        local={"version": 99, "time": 0xFFFF, "date": 0xFFFF},
        central={
            "made": 0xFFFF,
            "version": 99,
            "time": 1,
            "date": DATE + 1,
            "internal": 0xFFFF,
            "external": 0xFFFFFFFF,
        },
    ),
)
for name, signature, wide in [("", b"PK\x07\x08", False), ("-unsigned", b"", False), ("-zip64", b"PK\x07\x08", True)]:
    streamed = [
        replace(
            part,
            flags=1 << 3,
            local={"crc": 0, "compressed": 0, "size": 0},
            tail=signature + struct.pack("<LQQ" if wide else "<LLL", 0, len(part.data), len(part.content)),
        )
        for part in members(method=DEFLATE)
    ]
    accept(
        f"data-descriptor{name}",
        "archive.local-header",
        f"data descriptors{name.replace('-', ' ')}, sizes and CRC of 0 in the local headers",
        "A writer that streams says sizes behind the data; the directory has them all the same.",
        None,
        zipped(streamed),
    )
accept(
    "local-aligned",
    "archive.local-header",
    "extra fields in the local headers that align the data to 64 bytes",
    "Extra fields of the local header may be other ones than those of the directory, and longer.",
    None,
    zipped(
        [
            replace(FIRST, local={"extra": struct.pack("<2H", 0xD935, 19) + bytes(19)}),
            replace(SECOND, local={"extra": bytes(63)}),
        ]
    ),
)

# --- archive.size

reject(
    "size-declared-large",
    "archive.size",
    "/weights/1",
    "layer_1 is declared with one byte more than 8 per element and 65,548",
    "What is declared is bounded by what is due, before anything is inflated.",
    None,
    second(method=DEFLATE, raw=fixed(SECOND.content), central={"size": 16 + 65549}),
    twin=True,
)
reject(
    "size-declared-huge",
    "archive.size",
    "/weights/0",
    "layer_0 is declared with 2^63 bytes",
    "Nothing is allocated by a declared size.",
    None,
    first(method=DEFLATE, raw=fixed(FIRST.content), central={"size": 0xFFFFFFFF, "extra": zip64_extra(2**63)}),
)
reject(
    "size-stored-unlike",
    "archive.size",
    "/weights/1",
    "a stored member whose size is one more than its compressed size",
    "A stored member has one size.",
    None,
    second(central={"size": len(SECOND.content) + 1}),
)
reject(
    "size-stored-unlike-less",
    "archive.size",
    "/weights/1",
    "a stored member whose size is one less than its compressed size",
    "A stored member has one size, also where the rest of it would not be read.",
    None,
    second(central={"size": len(SECOND.content) - 1}),
)
reject(
    "size-inflates-to-more",
    "archive.size",
    "/weights/0",
    "the stream of layer_0 gives one byte more than declared",
    "A byte too many is looked for, not cut off.",
    None,
    first(method=DEFLATE, raw=fixed(FIRST.content + b"\0")),
)
reject(
    "size-inflates-to-less",
    "archive.size",
    "/weights/0",
    "the stream of layer_0 gives one byte less than declared",
    "A stream that ends early leaves the rest of a buffer as it was.",
    None,
    first(method=DEFLATE, raw=fixed(FIRST.content[:-1])),
)
reject(
    "size-bomb",
    "archive.size",
    "/weights/0",
    "the stream of layer_0 inflates to 4 MiB",
    "Inflation ends one byte beyond the declared size, however much there is still to come.",
    None,
    first(method=DEFLATE, raw=runs(bytes(4 << 20))),
)
reject(
    "size-before-data",
    "archive.size",
    "/weights/0",
    "the stream of layer_0 gives 200 bytes too many, then a block of the reserved type",
    "The byte too many is met before the fault of the stream.",
    None,
    first(method=DEFLATE, raw=blocks(FIRST.content + bytes(200), last=False) + b"\x07\0\0\0"),
)
LONG = "{'descr': '<f8', 'fortran_order': False, 'shape': (1, 2)}"
for name, version, length in [("version-1", (1, 0), 65535), ("version-2", (2, 0), 65536)]:
    content = framed(LONG.ljust(length - 1), SECOND.content[-16:], version, align=1)
    accept(
        f"size-header-{name}",
        ["archive.size", "npy.header"],
        f"layer_1 with a header of {length:,} bytes, version {version[0]}.0, deflated",
        "Beside its elements a member may have 65,548 bytes, which is room for every header of version 1.0.",
        None,
        second(content=content, method=DEFLATE, raw=runs(content)),
    )
content = framed(LONG.ljust(65536), SECOND.content[-16:], (2, 0), align=1)
reject(
    "size-header-65537",
    "archive.size",
    "/weights/1",
    "layer_1 with a header of 65,537 bytes, version 2.0, deflated",
    "A longer header is too large a member, though versions 2.0 and 3.0 could have it.",
    None,
    second(content=content, method=DEFLATE, raw=runs(content)),
)

# --- archive.data

GOOD = fixed(FIRST.content)
HALF = FIRST.content[:100]


def copies(length: tuple[int, int], distance: int) -> bytes:
    """A stream of a literal, a copy with these codes, and the end, in the fixed code."""
    return Bits().put(1, 1).put(1, 2).literal(0x93).code(*length).code(distance, 5).literal(256).bytes()


DYNAMIC = Bits().put(1, 1).put(2, 2).put(0, 5).put(0, 5).put(15, 4).put(0o111111, 18).bytes()
for name, raw, done in [
    ("empty", b"", "no compressed bytes at all"),
    ("cut", GOOD[:-1], "the last compressed byte is missing"),
    ("cut-in-middle", GOOD[:90], "half of the compressed bytes are missing"),
    ("not-last", blocks(FIRST.content, last=False), "the last block is not marked as the last"),
    ("behind", GOOD + b"\0", "a byte behind the end of the stream"),
    ("two-streams", fixed(HALF) + fixed(FIRST.content[100:]), "two streams, one behind the other"),
    (
        "zlib",
        b"\x78\x01" + GOOD + struct.pack(">L", adler32(FIRST.content)),
        "a zlib stream",
    ),
    ("gzip", b"\x1f\x8b\x08\0\0\0\0\0\0\xff" + GOOD, "a gzip header before the stream"),
    ("block-type-3", blocks(HALF, last=False) + b"\x07", "a block of the reserved type"),
    (
        "stored-length",
        b"\x01\xce\x00\x30\xff" + FIRST.content,
        "a stored block with a bad length",
    ),
    ("distance-too-far", copies((1, 7), 1), "a copy from before the beginning"),
    ("distance-30", copies((1, 7), 30), "a distance code that does not exist"),
    ("length-286", copies((0xC6, 8), 0), "a length code that does not exist"),
    ("oversubscribed", DYNAMIC + bytes(20), "more codes than their lengths allow"),
]:
    reject(
        f"data-{name}",
        "archive.data",
        "/weights/0",
        f"deflate: {done}",
        "A raw deflate stream is valid and ends where the compressed data ends; half a member is no member.",
        None,
        first(method=DEFLATE, raw=raw),
        twin=name == "cut",
    )
reject(
    "data-before-size",
    "archive.data",
    "/weights/0",
    "deflate: 100 good bytes and then a block of the reserved type, where more are declared",
    "An invalid stream is archive.data where it is met before a byte too many, and the size is wrong only after that.",
    None,
    first(method=DEFLATE, raw=blocks(HALF, last=False) + b"\x06" + blocks(bytes(500))),
)
accept(
    "deflated-dynamic",
    "archive.data",
    "a deflate stream with a dynamic code, made by zlib",
    "What zlib makes has Huffman codes of its own and copies at all distances.",
    sidecar(layer_sizes=[[30, 2], [2, 1]], total_params=62),
    zipped([Part("layer_0.npy", npy(RAMP, (2, 30)), DEFLATE, unpacked64(RAMP_DEFLATED)), SECOND]),
)

# --- archive.crc

reject(
    "crc-declared",
    "archive.crc",
    "/weights/0",
    "the CRC-32 of layer_0 in the directory has one bit more",
    "The CRC-32 is that of the directory, and it is checked.",
    None,
    first(central={"crc": crc32(FIRST.content) ^ 1}),
    twin=True,
)
flipped = bytes([*FIRST.content[:-1], FIRST.content[-1] ^ 0x80])
reject(
    "crc-bit-flipped",
    "archive.crc",
    "/weights/0",
    "the sign of the last weight of layer_0 is flipped",
    "A damaged weight is still a number: only the CRC-32 tells.",
    None,
    first(raw=flipped),
)
reject(
    "crc-zero",
    "archive.crc",
    "/weights/1",
    "the CRC-32 of layer_1 in the directory is 0, as a writer that streams leaves it in the local header",
    "A CRC-32 of 0 is a CRC-32, not the absence of one.",
    None,
    second(central={"crc": 0}),
)
reject(
    "crc-deflated",
    "archive.crc",
    "/weights/1",
    "a deflated layer_1 in which one byte is another one",
    "Inflation alone does not notice that a literal is another one.",
    None,
    second(method=DEFLATE, raw=fixed(SECOND.content[:-1] + b"\x01")),
)
accept(
    "crc-local",
    "archive.crc",
    "the CRC-32 of layer_0 in the local header is wrong",
    "The CRC-32 in the local header is ignored.",
    None,
    first(local={"crc": 0xDEADBEEF}),
)
descriptor = struct.pack("<4s3L", b"PK\x07\x08", 0xDEADBEEF, 1, 2)
accept(
    "crc-descriptor",
    "archive.crc",
    "a data descriptor with a wrong CRC-32 and wrong sizes",
    "What a data descriptor says is ignored.",
    None,
    first(flags=1 << 3, local={"crc": 0, "size": 0, "compressed": 0}, tail=descriptor),
)

# --- order

NOTHING: list[Part] = []
pairs.precedence(
    "order-ends",
    "The end records are looked at from the outside in: the beginning, the end, the records, the digest, the count.",
    [
        ("archive.not-zip", "", sidecar(archive_digest="0" * 64), b"XK" + ARCHIVE[2:-1]),
        ("archive.truncated", "", sidecar(archive_digest="0" * 64), zipped([*members(), EXTRA], end={"disk": 1})[:-1]),
        ("archive.end-record", "", sidecar(archive_digest="0" * 64), zipped([*members(), EXTRA], end={"disk": 1})),
        ("archive.digest", "", sidecar(archive_digest="0" * 64), zipped([*members(), EXTRA])),
        ("archive.entry-count", "", sidecar(), zipped([*members(), replace(EXTRA, central={"disk": 1})])),
        ("archive.directory", "", sidecar(), first(central={"disk": 1}, name="a/b")),
        ("archive.member-path", "", sidecar(), zipped([replace(FIRST, name="a/b"), replace(SECOND, name="x.npy")])),
        ("archive.member-unexpected", "", sidecar(), zipped([FIRST, replace(SECOND, name="x.npy")])),
    ],
    SOUND,
)
pairs.precedence(
    "order-members",
    "Names are checked before members are missed, and every rule on headers for all members before the next one.",
    [
        ("archive.member-twice", "", sidecar(), zipped([replace(FIRST, flags=1), FIRST])),
        ("archive.member-missing", "/weights/0", sidecar(), zipped([replace(SECOND, flags=1)])),
        (
            "archive.encrypted",
            "/weights/1",
            sidecar(),
            zipped([replace(FIRST, method=12, local={"method": 0}), replace(SECOND, flags=1)]),
        ),
        (
            "archive.compression",
            "/weights/1",
            sidecar(),
            zipped([replace(FIRST, local={"method": DEFLATE}), replace(SECOND, method=12)]),
        ),
        (
            "archive.local-header",
            "/weights/1",
            sidecar(),
            zipped([replace(FIRST, central={"crc": 0}), replace(SECOND, local={"method": DEFLATE})]),
        ),
        ("archive.crc", "/weights/0", sidecar(), zipped([replace(FIRST, central={"crc": 0}), SECOND])),
    ],
    SOUND,
)
pairs.precedence(
    "order-data",
    "Members are read one after the other: all of the first one comes before anything of the second.",
    [
        (
            "archive.size",
            "/weights/0",
            sidecar(),
            first(method=DEFLATE, raw=GOOD[:-1], central={"size": 65549 + 48, "crc": 0}),
        ),
        ("archive.data", "/weights/0", sidecar(), first(method=DEFLATE, raw=GOOD[:-1], central={"crc": 0})),
        ("archive.crc", "/weights/0", sidecar(), first(content=b"no npy", central={"crc": 0})),
        (
            "npy.magic",
            "/weights/0",
            sidecar(),
            zipped([replace(FIRST, content=b"no npy"), replace(SECOND, central={"size": 2**31})]),
        ),
        ("archive.size", "/weights/1", sidecar(), second(central={"size": 2**31})),
    ],
    SOUND,
)
