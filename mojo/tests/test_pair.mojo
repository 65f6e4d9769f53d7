"""Tests of checkpoint pairs: what is saved, what is loaded, archives and npy files at fault, and what is no file."""

from std.ffi import external_call
from std.os import makedirs
from std.os.path import exists
from std.tempfile import TemporaryDirectory
from std.testing import (
    TestSuite,
    assert_equal,
    assert_false,
    assert_true,
)

from spikeparity.answer import Answer
from spikeparity.archive import Taken
from spikeparity.backend import handle_line
from spikeparity.encoding import copied
from spikeparity.npy import ArrayReader, HeaderReader, is_exact
from spikeparity.pair_writer import is_leftover
from spikeparity.places import Folders
from spikeparity.posix import remove

comptime CHECKPOINT = '"checkpoint":{"layer_names":["b","a"],"layer_sizes":[[2,1],[1,2]],"weights":[[[1,2]],[[3],[4]]],"frozen_layers":["b"],"metadata":{"x":2.50e1,"y":["\\u0001",null]}}'
comptime NETWORK = '"network":{"layers":[{"weights":[[0.5,0.25]],"bias":[0.25],"neuron":{"model":"if","threshold":1.00}}],"readout":"spikes"}'


def asked(folder: String, operation: String, input: String) raises -> String:
    """Answers a request; what is common to all answers is cut off."""
    var answer = Answer()
    var folders = Folders(folder, folder)
    _ = handle_line(
        copied(
            String(
                '{"cmd":"run","id":"x","op":"',
                operation,
                '","input":{',
                input,
                "}}",
            ).as_bytes()
        ),
        folders,
        answer,
    )
    var text = String(from_utf8=answer.bytes)
    return String(text[byte = 10 : text.byte_length() - 1])


def check(got: String, due: StringSpan) raises:
    """Checks how an answer begins."""
    assert_true(got.startswith(due), String("due ", due, ", got ", got))


def code(name: StringSpan, path: StringSpan) -> String:
    """Makes the beginning of a rejection."""
    return String('"verdict":"reject","code":"', name, '","path":"', path, '"')


def bytes_of(path: String) raises -> List[UInt8]:
    """Reads a file."""
    with open(path, "r") as file:
        return file.read_bytes()


def write(path: String, bytes: List[UInt8]) raises:
    """Writes a file."""
    with open(path, "w") as file:
        file.write_bytes(bytes)


def test_what_is_saved_is_loaded() raises:
    with TemporaryDirectory() as folder:
        var saved = asked(
            folder, "checkpoint.save", '"base":"d/e/m.v1",' + CHECKPOINT
        )
        check(
            saved,
            (
                '"verdict":"accept","output":{"n_layers":2,"total_params":4,"layer_names":["b","a"],"frozen_layers":["b"],"format_version":1,"members":[{"name":"layer_0","shape":[1,2],"sha256":"'
            ),
        )
        assert_equal(
            asked(folder, "checkpoint.load", '"base":"d/e/m.v1"'), saved
        )
        assert_equal(
            asked(
                folder,
                "checkpoint.save",
                '"base":"stored","compress":false,' + CHECKPOINT,
            ),
            saved,
        )
        # Text of numbers and strings as they came, in a sidecar that is bound.
        var sidecar = String(from_utf8=bytes_of(folder + "/d/e/m.v1.json"))
        assert_true('{"x":2.50e1,"y":["\\u0001",null]}' in sidecar, sidecar)
        assert_true('"archive_digest":"' in sidecar)
        assert_false(exists(folder + "/d/e/m.v1.npz.tmp"))


def test_a_network_is_saved_and_runs() raises:
    with TemporaryDirectory() as folder:
        var saved = asked(folder, "checkpoint.save", '"base":"n",' + NETWORK)
        assert_true('"format_version":2' in saved, saved)
        assert_true('{"name":"bias_0","shape":[1]' in saved, saved)
        comptime INPUT = '"steps":2,"input":{"kind":"constant","values":[1,1]}'
        assert_equal(
            asked(folder, "simulate", '"network":{"checkpoint":"n"},' + INPUT),
            asked(folder, "simulate", String(NETWORK, ",", INPUT)),
        )
        comptime FILE = '"network":{"layers":[{"weights":{"file":"n.npz","member":"layer_0"},"bias":{"file":"n.npz","member":"bias_0"},"neuron":{"model":"if","threshold":1}}]},'
        assert_equal(
            asked(folder, "simulate", FILE + INPUT),
            asked(folder, "simulate", String(NETWORK, ",", INPUT)),
        )
        check(
            asked(
                folder,
                "simulate",
                String(FILE).replace("layer_0", "x") + INPUT,
            ),
            code("archive.member-missing", "/network/layers/0/weights"),
        )


def test_a_network_of_all_kinds_is_saved_and_runs() raises:
    comptime MAPS = (
        '"network":{"input_shape":[2,1,2],"layers":['
        '{"name":"a","kind":"conv2d","weights":[[[[1]],[[2]]]],"bias":[0.5],"neuron":{"model":"if","threshold":1}},'
        '{"kind":"flatten","name":"f"},'
        '{"kind":"sum","bias":[1],"inputs":[{"from":"f","weights":[[1,-1]]},'
        '{"from":"f","weights":[[0.5,1]]}],"neuron":{"model":"lif","decay":0.5,"threshold":1}}]}'
    )
    comptime INPUT = ',"steps":2,"input":{"kind":"constant","values":[1,-1,0.25,0.5]},"record":["potential"]'
    with TemporaryDirectory() as folder:
        var saved = asked(folder, "checkpoint.save", '"base":"m",' + MAPS)
        check(
            saved,
            '"verdict":"accept","output":{"n_layers":3,"total_params":8,',
        )
        for member in [
            '{"name":"layer_0","shape":[1,2,1,1],',
            '{"name":"layer_2_0","shape":[1,2],',
            '{"name":"layer_2_1","shape":[1,2],',
            '{"name":"bias_2","shape":[1],',
        ]:
            assert_true(member in saved, saved)
        var sidecar = String(from_utf8=bytes_of(folder + "/m.json"))
        assert_true('"layer_sizes":[[4,2],[2,2],[4,1]]' in sidecar, sidecar)
        assert_true('"neuron_types":["if","flatten","lif"]' in sidecar, sidecar)
        assert_true(
            '"weights":{"member":"layer_0","shape":[1,2,1,1]}' in sidecar,
            sidecar,
        )
        assert_equal(asked(folder, "checkpoint.load", '"base":"m"'), saved)
        assert_equal(
            asked(folder, "simulate", '"network":{"checkpoint":"m"}' + INPUT),
            asked(folder, "simulate", MAPS + INPUT),
        )
        # The size of a layer that is not dense is that of its shapes.
        write(
            folder + "/m.json",
            copied(sidecar.replace("[2,2],[4,1]", "[2,2],[2,1]").as_bytes()),
        )
        check(
            asked(folder, "checkpoint.load", '"base":"m"'),
            code("network.chain", "/layer_sizes/2"),
        )


def test_files_in_single_precision() raises:
    comptime INPUT = '"profile":"sequential-f32","steps":1,"record":["potential"],"input":{"kind":"constant","values":[1,1]}'
    comptime FILE = '"network":{"layers":[{"weights":{"file":"n.npz","member":"layer_0"},"bias":{"file":"n.npz","member":"bias_0"},"neuron":{"model":"if","threshold":1}}]},'
    with TemporaryDirectory() as folder:
        _ = asked(
            folder,
            "checkpoint.save",
            '"base":"n",' + String(NETWORK).replace("0.5,", "0.1,"),
        )
        # (0.1 + 0.25) + 0.25 in binary32.
        for network in ['"network":{"checkpoint":"n"},', FILE]:
            assert_equal(
                asked(folder, "simulate", String(network, INPUT)),
                '"verdict":"accept","output":{"readout":[0],"potential":[["3f19999a"]]}',
            )
        check(
            asked(
                folder,
                "simulate",
                String(FILE, INPUT).replace(
                    "[1,1]", '{"file":"n.npz","member":"layer_0"}'
                ),
            ),
            '"verdict":"accept"',
        )
        _ = asked(
            folder,
            "checkpoint.save",
            '"base":"n",' + String(NETWORK).replace("0.25]]", "1e39]]"),
        )
        check(
            asked(folder, "simulate", FILE + INPUT),
            code("network.weight-finite", "/network/layers/0/weights/0/1"),
        )
        # What a pair breaks by the rounding is told at the pair, rule by rule.
        for broken in [
            ("1.00", "1e39", "threshold"),
            ("1.00", "1e-46", "threshold"),
            ("1.00}", '1.00,"initial_potential":-1e39}', "initial-potential"),
            ("[0.25]", "[1e39]", "bias-finite"),
            ("0.25]]", "1e39]]", "weight-finite"),
        ]:
            var network = String(NETWORK).replace(broken[0], broken[1])
            _ = asked(folder, "checkpoint.save", '"base":"n",' + network)
            comptime PAIR = '"network":{"checkpoint":"n"},'
            check(
                asked(folder, "simulate", PAIR + INPUT),
                code(String("network.", broken[2]), "/network/checkpoint"),
            )
            # The same in binary64 is a network.
            check(
                asked(
                    folder,
                    "simulate",
                    String(PAIR, INPUT).replace("f32", "f64"),
                ),
                '"verdict":"accept"',
            )
        # Values in a file that become infinite.
        check(
            asked(
                folder,
                "simulate",
                String(
                    '"network":{"layers":[{"weights":[[1,1]],"neuron":{"model":"if","threshold":1}}]},',
                    INPUT,
                ).replace("[1,1]}", '{"file":"n.npz","member":"layer_0"}}'),
            ),
            code("input.range", "/input/values/0/1"),
        )


def test_the_same_pair_has_the_same_bytes_and_lies_aligned() raises:
    with TemporaryDirectory() as folder:
        for base in ["p", "q"]:
            _ = asked(
                folder,
                "checkpoint.save",
                String('"base":"', base, '","compress":false,', CHECKPOINT),
            )
        var bytes = bytes_of(folder + "/p.npz")
        assert_true(bytes == bytes_of(folder + "/q.npz"))
        assert_true(
            bytes_of(folder + "/p.json") == bytes_of(folder + "/q.json")
        )
        var found = 0
        for at in range(0, len(bytes), 64):
            found += Int(bytes[at] == 0x93 and bytes[at + 1] == UInt8(ord("N")))
        assert_equal(found, 2)


def test_an_interrupted_save_is_read_and_cleared() raises:
    with TemporaryDirectory() as folder:
        var input = '"base":"m",' + CHECKPOINT
        var saved = asked(folder, "checkpoint.save", input)
        var sidecar = String(from_utf8=bytes_of(folder + "/m.json"))
        var at = sidecar.find('_digest":"') + 10
        var digits = String(sidecar[byte = at : at + 16])
        # As after step 2: the archive has not got its name yet, and the old one is there.
        write(folder + "/m.npz." + digits, bytes_of(folder + "/m.npz"))
        _ = asked(folder, "checkpoint.save", '"base":"n",' + NETWORK)
        write(folder + "/m.npz", bytes_of(folder + "/n.npz"))
        assert_equal(asked(folder, "checkpoint.load", '"base":"m"'), saved)
        write(folder + "/m.json.tmp", [1])
        write(folder + "/m.npz.tmp", [1])
        write(folder + "/m.npz.keep", [1])
        assert_equal(asked(folder, "checkpoint.save", input), saved)
        for gone in [".json.tmp", ".npz.tmp", ".npz." + digits]:
            assert_false(exists(String(folder, "/m", gone)), gone)
        assert_true(exists(folder + "/m.npz.keep"))
        # An archive that the sidecar is not bound to.
        write(folder + "/m.npz", bytes_of(folder + "/n.npz"))
        check(
            asked(folder, "checkpoint.load", '"base":"m"'),
            code("archive.digest", ""),
        )


def test_leftovers_by_name() raises:
    assert_true(is_leftover("m.npz.0123456789abcdef", "m"))
    assert_false(is_leftover("m.npz.0123456789abcdeg", "m"))
    assert_false(is_leftover("m.npz.0123456789abcde", "m"))
    assert_false(is_leftover("mm.npz.tmp", "m"))
    assert_false(is_leftover("m.npz", "m"))


def test_a_save_that_fails_leaves_the_old_pair() raises:
    with TemporaryDirectory() as folder:
        var input = '"base":"m",' + CHECKPOINT
        var saved = asked(folder, "checkpoint.save", input)
        # A folder in the place of the sidecar's temporary file stops step 2.
        makedirs(folder + "/m.json.tmp")
        check(
            asked(folder, "checkpoint.save", '"base":"m",' + NETWORK),
            '"verdict":"error"',
        )
        assert_equal(asked(folder, "checkpoint.load", '"base":"m"'), saved)
        assert_false(exists(folder + "/m.npz.tmp"))


def test_places() raises:
    with TemporaryDirectory() as folder:
        for base in ["", ".", "..", "a/../b", "/a", "a//b", "a/", "a\\\\b"]:
            check(
                asked(folder, "checkpoint.load", String('"base":"', base, '"')),
                code("file.path", "/base"),
            )
        check(
            asked(folder, "checkpoint.load", '"base":"a"'),
            code("checkpoint.sidecar-missing", ""),
        )
        link(folder, "/", "out")
        link(folder, ".", "in")
        link(folder, "/etc/passwd", "outside.json")
        link(folder, "/no/file", "nowhere.json")
        link(folder, "none.json", "nowhere-inside.json")
        link(folder, "loop", "loop.json")
        link(folder, "loop.json", "loop")
        makedirs(folder + "/folder.json")
        var fifo = folder + "/fifo.json"
        assert_equal(
            external_call["mkfifo", Int32](
                fifo.as_c_string_span().ptr(), UInt32(0o600)
            ),
            0,
        )
        check(
            asked(folder, "checkpoint.load", '"base":"outside"'),
            code("file.path", "/base"),
        )
        # What leads nowhere, inside or outside, is missing.
        for base in ["out/no/file", "nowhere", "nowhere-inside"]:
            check(
                asked(folder, "checkpoint.load", String('"base":"', base, '"')),
                code("checkpoint.sidecar-missing", ""),
            )
        for base in ["out/x", "out/no/folder/x"]:
            check(
                asked(
                    folder,
                    "checkpoint.save",
                    String('"base":"', base, '",', CHECKPOINT),
                ),
                code("file.path", "/base"),
            )
        # The deepest folder that exists is inside, but a link is where the next one is due.
        check(
            asked(
                folder,
                "checkpoint.save",
                '"base":"nowhere.json/x",' + CHECKPOINT,
            ),
            '"verdict":"error"',
        )
        check(
            asked(folder, "checkpoint.save", '"base":"in/a/b",' + CHECKPOINT),
            '"verdict":"accept"',
        )
        assert_true(exists(folder + "/a/b.json"))
        for base in ["loop", "folder", "fifo"]:
            check(
                asked(folder, "checkpoint.load", String('"base":"', base, '"')),
                '"verdict":"error"',
            )
        # The clearing of the temporary folder stops at links.
        for name in [
            "/out",
            "/in",
            "/outside.json",
            "/nowhere.json",
            "/nowhere-inside.json",
            "/loop",
            "/loop.json",
            "/fifo.json",
        ]:
            assert_true(remove(String(folder, name)), name)


def link(folder: String, var target: String, name: String) raises:
    """Makes a symbolic link."""
    var path = String(folder, "/", name)
    assert_equal(
        external_call["symlink", Int32](
            target.as_c_string_span().ptr(), path.as_c_string_span().ptr()
        ),
        0,
    )


def test_damage_is_noticed() raises:
    with TemporaryDirectory() as folder:
        _ = asked(folder, "checkpoint.save", '"base":"m",' + CHECKPOINT)
        var bytes = bytes_of(folder + "/m.npz")
        write(folder + "/m.npz", List(Span(bytes)[0 : len(bytes) - 1]))
        check(
            asked(folder, "checkpoint.load", '"base":"m"'),
            code("archive.truncated", ""),
        )
        # A stored member whose last value is another one than its CRC tells.
        _ = asked(
            folder,
            "checkpoint.save",
            '"base":"m","compress":false,' + CHECKPOINT,
        )
        bytes = bytes_of(folder + "/m.npz")
        bytes[64 + 128 + 15] ^= 1
        write(folder + "/m.npz", bytes)
        check(
            asked(folder, "checkpoint.load", '"base":"m"'),
            code("archive.crc", "/weights/0"),
        )


def test_parts_that_overlap() raises:
    var taken = Taken()
    assert_true(taken.add(50, 60))
    assert_true(taken.add(0, 10))
    assert_true(taken.add(10, 50))
    assert_false(taken.add(9, 10))
    assert_false(taken.add(59, 70))
    assert_true(taken.add(60, 61))
    assert_false(taken.add(0, 100))


def header_code(text: StringSpan) -> String:
    """Reads a header: the type, or the code of its rejection."""
    try:
        var reader = HeaderReader(text.as_bytes(), "")
        return reader.header().descr
    except rejection:
        return String(rejection.code)


def test_npy_headers() raises:
    comptime HEADER = "{'descr': '<f8', 'fortran_order': False, 'shape': (3, 2), }"
    assert_equal(header_code(HEADER), "<f8")
    assert_equal(header_code(String("\t", HEADER, "\r\n ")), "<f8")
    for change in [
        ("(3, 2)", "(3)"),
        ("(3, 2)", "(03, 2)"),
        ("(3, 2)", "(,)"),
        ("(3, 2)", "(9007199254740992, 1)"),
        ("False", "0"),
        ("'<f8'", "[('a', '<f8']"),
        ("'<f8'", "'<f\\8'"),
        (", }", ",, }"),
        (", }", ", 'x': 1}"),
        (", }", ", 'descr': '<f8'}"),
        ("'shape': (3, 2), ", ""),
    ]:
        var text = String(HEADER).replace(change[0], change[1])
        assert_equal(header_code(text), "npy.header", text)


def array_code(data: List[UInt8], due: List[Int], part: Int) raises -> String:
    """Reads an npy file in parts: its values, or the code of its rejection."""
    var reader = ArrayReader("", due.copy(), len(data))
    for at in range(0, len(data), part):
        reader.feed(Span(data)[at : min(at + part, len(data))])
    try:
        var array = reader.finish()
        var text = String()
        for value in array.values:
            text += String(value, ";")
        return text + String(array.inexact.or_else(-1))
    except rejection:
        return String(rejection.code)


def npy(descr: StringSpan, order: StringSpan) -> List[UInt8]:
    """Makes the start of an npy file of shape (2, 2)."""
    var text = String(
        "{'descr': '",
        descr,
        "', 'fortran_order': ",
        order,
        ", 'shape': (2, 2)}",
    )
    var bytes: List[UInt8] = [0x93]
    bytes.extend("NUMPY\x01\x00".as_bytes())
    bytes.append(UInt8(text.byte_length()))
    bytes.append(0)
    bytes.extend(text.as_bytes())
    return bytes^


def test_npy_values_in_parts_of_any_length() raises:
    for part in [1, 7, 1000]:
        var data = npy(">i2", "True")
        data.extend([UInt8(0), 1, 0xFF, 0xFE, 0x80, 0, 0, 4])
        assert_equal(array_code(data, [2, 2], part), "1.0;-32768.0;-2.0;4.0;-1")
        assert_equal(array_code(data, [4], part), "checkpoint.weight-shape")
        data.append(0)
        assert_equal(array_code(data, [2, 2], part), "npy.length")
        data.shrink(len(data) - 2)
        assert_equal(array_code(data, [2, 2], part), "npy.length")
        data = npy("<f2", "False")
        data.extend([UInt8(1), 0, 0, 0x3C, 0xFF, 0x7B, 0, 0xC0])
        assert_equal(
            array_code(data, [2, 2], part),
            "5.960464477539063e-08;1.0;65504.0;-2.0;-1",
        )
        data = npy("<c8", "False")
        assert_equal(array_code(data, [2, 2], part), "npy.dtype")
    assert_equal(array_code([0x93], [2, 2], 1), "npy.magic")


def test_integers_that_binary64_holds() raises:
    comptime TOP = UInt64(1) << 53
    assert_true(is_exact(TOP) and is_exact(TOP + 2) and is_exact(~UInt64(2047)))
    assert_false(is_exact(TOP + 1) or is_exact(~UInt64(1023)))
    # The lowest place in C order, not the first in the file.
    var data = npy("<i8", "True")
    for _ in range(2):
        data.extend([UInt8(0), 0, 0, 0, 0, 0, 0, 0])
        data.extend([UInt8(1), 0, 0, 0, 0, 0, 0x20, 0])
    data[len(data) - 16] = 1
    data[len(data) - 10] = 0x20
    assert_true(array_code(data, [2, 2], 5).endswith(";1"))


def main() raises:
    TestSuite.discover_tests[__functions_in_module()]().run()
