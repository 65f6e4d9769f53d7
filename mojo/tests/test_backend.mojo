"""Tests of the protocol: requests in, answer lines out, for every operation."""

from std.ffi import external_call
from std.testing import TestSuite, assert_equal, assert_false, assert_true

from spikeparity.answer import Answer
from spikeparity.backend import handle_line
from spikeparity.encoding import copied
from spikeparity.lines import LineReader, write_all
from spikeparity.places import Folders


def asked(line: StringSpan) raises -> String:
    """Answers one line."""
    var answer = Answer()
    var folders = Folders(None, None)
    _ = handle_line(copied(line.as_bytes()), folders, answer)
    return String(from_utf8=answer.bytes)


def run(operation: StringSpan, input: StringSpan) raises -> String:
    """Runs an operation; what is common to all answers is cut off."""
    var got = asked(
        String(
            '{"cmd":"run","id":"x","op":"', operation, '","input":', input, "}"
        )
    )
    var start = String('{"id":"x","verdict":"')
    assert_true(got.startswith(start), got)
    return String(got[byte = start.byte_length() : got.byte_length() - 2])


def check_accept(
    operation: StringSpan, input: StringSpan, output: StringSpan
) raises:
    """Checks the output of an operation."""
    assert_equal(run(operation, input), String('accept","output":', output))


def check_reject(
    operation: StringSpan, input: StringSpan, code: StringSpan, path: StringSpan
) raises:
    """Checks code and path of a rejection."""
    var got = run(operation, input)
    var due = String(
        'reject","code":"', code, '","path":"', path, '","message":"'
    )
    assert_true(got.startswith(due), String("due ", due, ", got ", got))


def test_hello_bye_and_root() raises:
    var hello = asked('{"cmd":"hello","protocol":1,"root":"/r","scratch":"/s"}')
    assert_true(hello.startswith('{"protocol":1,"name":"mojo","version":"'))
    assert_true(
        '"profiles":["sequential-f64","sequential-f32"]}\n' in hello
        and '"normalize.non-finite"]' in hello
        and '"activation.qcfs","convert.normalize"]' in hello
    )
    assert_equal(asked('{"cmd":"root","root":"/r"}'), "")
    var answer = Answer()
    var folders = Folders(None, None)
    assert_false(
        handle_line(copied('{"cmd":"bye"}'.as_bytes()), folders, answer)
    )
    assert_equal(len(answer.bytes), 0)


def test_requests_that_are_none() raises:
    assert_true(
        asked("nope").startswith('{"id":"","verdict":"error","message":"')
    )
    assert_true(
        asked("{}").startswith('{"id":"","verdict":"error","message":"')
    )
    assert_true(
        asked("[]").startswith('{"id":"","verdict":"error","message":"')
    )
    assert_true(
        run("json.parse", '{"base64":"?"}').startswith(
            'error","message":"base64'
        )
    )
    assert_true(
        run("sing", "{}").startswith('unsupported","reason":"operation')
    )
    assert_true(
        run("simulate", '{"profile":"sequential-f16"}').startswith(
            'unsupported","reason":"profile'
        )
    )
    # Malformed requests may get any answer, but must not end the process.
    for operation in [
        "json.parse",
        "checkpoint.validate",
        "transfer.apply",
        "simulate",
        "encode.poisson",
        "activation.qcfs",
        "convert.normalize",
    ]:
        for input in [
            "{}",
            "[]",
            "null",
            '{"document":[]}',
            '{"network":0,"input":0}',
            '{"layers":0,"x":0}',
            '{"layers":[{"weights":[]}],"x":[0]}',
            '{"text":1}',
        ]:
            assert_true(len(run(operation, input).as_bytes()) > 0)


def test_json_parse() raises:
    check_accept(
        "json.parse",
        '{"text":"{\\"a\\":[1,-0,2.0,\\"\\\\u0000\\\\\\\\\\",true,null]}"}',
        '{"value":{"o":[["a",{"a":[{"i":"1"},{"i":"-0"},{"n":"4000000000000000"},{"s":"\\u0000\\\\"},{"b":true},{"z":null}]}]]}}',
    )
    check_accept(
        "json.parse",
        '{"base64":"MTAwMDAwMDAwMDAwMDAwMDAwMDA="}',
        '{"value":{"n":"43e158e460913d00"}}',
    )
    check_reject("json.parse", '{"base64":"/w=="}', "json.encoding", "")


comptime CHECKPOINT = '{"layer_names":["b","a"],"layer_sizes":[[2,1],[1,2]],"weights":[[[1,2]],[[3],[4]]],"frozen_layers":["b","b"]}'


def changed(old: StringSpan, new: StringSpan) raises -> String:
    """Returns the checkpoint with one part replaced."""
    assert_true(old in CHECKPOINT, String(old))
    return String('{"document":', String(CHECKPOINT).replace(old, new), "}")


def test_checkpoint_validate() raises:
    var output = '{"n_layers":2,"total_params":4,"layer_names":["b","a"],"frozen_layers":["b"]}'
    check_accept("checkpoint.validate", changed("[1,2]", "[1,2]"), output)
    check_accept(
        "checkpoint.validate",
        changed('"b","b"]', '"a","b"]'),
        String(output).replace('s":["b"]', 's":["a","b"]'),
    )
    comptime V = "checkpoint.validate"
    check_reject(V, '{"document":[]}', "checkpoint.object", "")
    check_reject(
        V, changed('{"l', '{"x/y":1,"l'), "checkpoint.unknown-key", "/x~1y"
    )
    check_reject(
        V,
        '{"document":{"layer_names":[]}}',
        "checkpoint.missing-key",
        "/layer_sizes",
    )
    check_reject(
        V,
        changed('"b","a"', '"b",1'),
        "checkpoint.names-type",
        "/layer_names/1",
    )
    check_reject(
        V,
        changed('"b","a"', '"b","b"'),
        "checkpoint.names-unique",
        "/layer_names/1",
    )
    check_reject(
        V, changed(",[[3],[4]]", ""), "checkpoint.weights-count", "/weights"
    )
    check_reject(
        V, changed(",[1,2]]", "]"), "checkpoint.sizes-count", "/layer_sizes"
    )
    check_reject(
        V,
        changed("[1,2]]", "[1,2.0]]"),
        "checkpoint.sizes-type",
        "/layer_sizes/1",
    )
    check_reject(
        V,
        changed('{"l', '{"neuron_types":["x"],"l'),
        "checkpoint.types-count",
        "/neuron_types",
    )
    check_reject(
        V,
        changed('{"l', '{"neuron_types":[1],"l'),
        "checkpoint.types-type",
        "/neuron_types/0",
    )
    check_reject(
        V,
        changed('"b","b"]', '"b","c"]'),
        "checkpoint.frozen-unknown",
        "/frozen_layers/1",
    )
    check_reject(
        V,
        changed('"b","b"]', "null]"),
        "checkpoint.frozen-type",
        "/frozen_layers/0",
    )
    check_reject(
        V,
        changed('{"l', '{"metadata":[],"l'),
        "checkpoint.metadata-type",
        "/metadata",
    )
    check_reject(
        V, changed("[4]", "[{}]"), "checkpoint.weight-type", "/weights/1/1/0"
    )
    check_reject(
        V, changed("[4]", "[]"), "checkpoint.weight-rank", "/weights/1"
    )
    check_reject(
        V, changed("[4]", "[[4]]"), "checkpoint.weight-rank", "/weights/1"
    )
    check_reject(
        V, changed(",[4]", ""), "checkpoint.weight-shape", "/weights/1"
    )
    check_reject(
        V,
        changed("[4]", '["NaN"]'),
        "checkpoint.weight-finite",
        "/weights/1/1/0",
    )


def test_rules_go_before_places() raises:
    # The first layer breaks the later rule.
    check_reject(
        "checkpoint.validate",
        changed("[[[1,2]],[[3]", '[[[1,"NaN"]],[[true]'),
        "checkpoint.weight-type",
        "/weights/1/0/0",
    )


def test_config_validate() raises:
    comptime V = "config.validate"
    var defaults = '{"freeze_until":-1,"lr_backbone":"0000000000000000","lr_head":"3f847ae147ae147b"}'
    check_accept(V, '{"document":{}}', defaults)
    check_accept(
        V,
        '{"document":{"freeze_until":"a","lr_head":-0.0}}',
        '{"freeze_until":"a","lr_backbone":"0000000000000000","lr_head":"8000000000000000"}',
    )
    check_reject(V, '{"document":null}', "config.object", "")
    check_reject(V, '{"document":{"lr":1}}', "config.unknown-key", "/lr")
    check_reject(
        V,
        '{"document":{"freeze_until":true}}',
        "config.freeze-until-type",
        "/freeze_until",
    )
    check_reject(
        V,
        '{"document":{"freeze_until":-2}}',
        "config.freeze-until-range",
        "/freeze_until",
    )
    check_reject(
        V,
        '{"document":{"lr_head":"1"}}',
        "config.learning-rate-type",
        "/lr_head",
    )
    check_reject(
        V,
        '{"document":{"lr_head":"NaN"}}',
        "config.learning-rate-range",
        "/lr_head",
    )


def with_checkpoint(rest: StringSpan) -> String:
    """Makes the input of a transfer operation."""
    return String('{"checkpoint":', CHECKPOINT, rest, "}")


def test_freeze_and_unfreeze() raises:
    check_accept(
        "transfer.freeze", with_checkpoint(""), '{"frozen_layers":["b"]}'
    )
    check_accept(
        "transfer.freeze",
        with_checkpoint(',"until_index":1'),
        '{"frozen_layers":["a","b"]}',
    )
    check_accept(
        "transfer.freeze",
        with_checkpoint(',"layer_names":["a"]'),
        '{"frozen_layers":["a","b"]}',
    )
    check_reject(
        "transfer.freeze",
        with_checkpoint(',"layer_names":"a"'),
        "transfer.layer-names-type",
        "/layer_names",
    )
    check_reject(
        "transfer.freeze",
        with_checkpoint(',"layer_names":["c"]'),
        "transfer.layer-names-unknown",
        "/layer_names/0",
    )
    check_reject(
        "transfer.freeze",
        with_checkpoint(',"until_index":1.0'),
        "transfer.until-index-type",
        "/until_index",
    )
    check_reject(
        "transfer.freeze",
        with_checkpoint(',"until_index":2'),
        "transfer.until-index-range",
        "/until_index",
    )
    check_accept(
        "transfer.unfreeze", with_checkpoint(""), '{"frozen_layers":["b"]}'
    )
    check_accept(
        "transfer.unfreeze",
        with_checkpoint(',"all_layers":true'),
        '{"frozen_layers":[]}',
    )
    check_accept(
        "transfer.unfreeze",
        with_checkpoint(',"layer_names":["b"]'),
        '{"frozen_layers":[]}',
    )
    check_reject(
        "transfer.unfreeze",
        with_checkpoint(',"all_layers":1'),
        "transfer.all-layers-type",
        "/all_layers",
    )


def test_apply() raises:
    comptime A = "transfer.apply"
    check_accept(
        A,
        with_checkpoint(',"config":{"lr_head":1}'),
        '{"frozen_layers":["b"],"learning_rates":["0000000000000000","3ff0000000000000"]}',
    )
    check_accept(
        A,
        with_checkpoint(',"config":{"freeze_until":"a"}'),
        '{"frozen_layers":["a","b"],"learning_rates":["0000000000000000","0000000000000000"]}',
    )
    check_reject(
        A,
        with_checkpoint(',"config":{"freeze_until":"c"}'),
        "transfer.freeze-until-unknown",
        "/config/freeze_until",
    )
    check_reject(
        A,
        with_checkpoint(',"config":{"freeze_until":2}'),
        "transfer.freeze-until-unknown",
        "/config/freeze_until",
    )
    check_reject(
        A,
        with_checkpoint(',"config":{"x":2}'),
        "config.unknown-key",
        "/config/x",
    )


def simulation(layers: StringSpan, rest: StringSpan) -> String:
    """Makes the input of a simulation."""
    return String('{"network":{"layers":[', layers, "]},", rest, "}")


comptime LAYER = '{"weights":[[0.5,0.25]],"bias":[0.1],"neuron":{"model":"if","threshold":1.0}}'
comptime CONSTANT = '"steps":3,"input":{"kind":"constant","values":[1.0,1.0]}'


def test_the_example_of_the_protocol() raises:
    check_accept(
        "simulate",
        simulation(
            LAYER,
            CONSTANT + ',"record":["counts","spikes","potential","trace"]',
        ),
        (
            '{"readout":[2],"counts":[[2]],"spikes":[[[],[0],[0]]],"potential":[["3fe1999999999998"]],'
            '"trace":[[{"before":["3feb333333333333"],"after":["3feb333333333333"]},'
            '{"before":["3ffb333333333333"],"after":["3fe6666666666666"]},'
            '{"before":["3ff8cccccccccccc"],"after":["3fe1999999999998"]}]]}'
        ),
    )


def test_batches_have_a_leading_axis() raises:
    var batch = '"steps":2,"input":{"kind":"spikes","indices":[[[0,1],[0]],[[],[]]]},"record":["spikes"]'
    check_accept(
        "simulate",
        simulation(LAYER, batch),
        '{"readout":[[1],[0]],"spikes":[[[[],[0]]],[[[],[]]]]}',
    )


def test_a_sample_of_a_batch_is_a_row_alone() raises:
    var batch = '"steps":8,"input":{"kind":"poisson","rates":[[0.5,0.5],[0.5,0.5]],"seed":3,"sample":4}'
    var one = '"steps":8,"input":{"kind":"poisson","rates":[0.5,0.5],"seed":3,"sample":5}'
    var alone = run("simulate", simulation(LAYER, one))
    var count = String(
        alone[byte = alone.byte_length() - 3 : alone.byte_length() - 2]
    )
    assert_true(
        run("simulate", simulation(LAYER, batch)).endswith(",[" + count + "]]}")
    )


def test_membrane_layers_never_fire() raises:
    var input = String(simulation(LAYER, CONSTANT)).replace(
        "]},", '],"readout":"membrane"},'
    )
    check_accept("simulate", input, '{"readout":["4004666666666666"]}')


def test_leaks_resets_and_initial_potentials() raises:
    var layer = '{"weights":[[1]],"neuron":{"model":"lif","decay":0.5,"threshold":1.5,"reset":"zero","initial_potential":-1}}'
    var rest = '"steps":3,"input":{"kind":"spikes","indices":[[0],[0],[0]]},"record":["potential","spikes"]'
    # -1 → 0.5 → 1.25 → 1.625, which fires.
    check_accept(
        "simulate",
        simulation(layer, rest),
        '{"readout":[1],"spikes":[[[],[],[0]]],"potential":[["0000000000000000"]]}',
    )


def test_networks_without_neurons() raises:
    var layer = '{"weights":[],"neuron":{"model":"if","threshold":1}}'
    var rest = '"steps":1,"input":{"kind":"spikes","indices":[[9007199254740991]]},"record":["counts","trace"]'
    check_accept(
        "simulate",
        simulation(layer, rest),
        '{"readout":[],"counts":[[]],"trace":[[{"before":[],"after":[]}]]}',
    )


def check_network(
    old: StringSpan, new: StringSpan, code: StringSpan, path: StringSpan
) raises:
    """Checks the rejection of a network with one part replaced."""
    var input = simulation(LAYER, CONSTANT)
    assert_true(old in input, String(old))
    check_reject("simulate", input.replace(old, new), code, path)


def test_network_rules() raises:
    check_network(
        '{"layers":', '{"x":1,"layers":', "network.unknown-key", "/network/x"
    )
    check_network(
        '"threshold":1.0',
        '"threshold":1.0,"decay":1',
        "network.unknown-key",
        "/network/layers/0/neuron/decay",
    )
    check_network(
        '"if"', '"lif"', "network.missing-key", "/network/layers/0/neuron/decay"
    )
    check_network(
        '"layers":', '"readout":', "network.missing-key", "/network/layers"
    )
    check_network(LAYER, "", "network.layers", "/network/layers")
    check_network(LAYER, "1", "network.object", "/network/layers/0")
    check_network(
        "0.25", "null", "network.weight-type", "/network/layers/0/weights/0/1"
    )
    check_network(
        "0.25", "[1]", "network.weight-rank", "/network/layers/0/weights"
    )
    check_network(
        "0.25",
        '"Infinity"',
        "network.weight-finite",
        "/network/layers/0/weights/0/1",
    )
    check_network("[0.1]", "{}", "network.bias-type", "/network/layers/0/bias")
    check_network(
        "[0.1]", "[0.1,1]", "network.bias-shape", "/network/layers/0/bias"
    )
    check_network(
        "[0.1]", '["NaN"]', "network.bias-finite", "/network/layers/0/bias/0"
    )
    check_network(
        LAYER,
        String(LAYER, ",", LAYER),
        "network.chain",
        "/network/layers/1/weights",
    )
    check_network(
        '"if"', '"IF"', "network.neuron-model", "/network/layers/0/neuron/model"
    )
    check_network(
        '"threshold":1.0',
        '"threshold":0',
        "network.threshold",
        "/network/layers/0/neuron/threshold",
    )
    check_network(
        '"if"',
        '"if","reset":"none"',
        "network.reset",
        "/network/layers/0/neuron/reset",
    )
    check_network(
        '"if"',
        '"lif","decay":1.1',
        "network.decay",
        "/network/layers/0/neuron/decay",
    )
    check_network(
        '"if"',
        '"if","initial_potential":"NaN"',
        "network.initial-potential",
        "/network/layers/0/neuron/initial_potential",
    )
    check_network(
        '{"layers":',
        '{"readout":1,"layers":',
        "network.readout",
        "/network/readout",
    )


comptime KINDS = (
    '{"network":{"input_shape":[1,2,2],"layers":['
    '{"name":"a","kind":"conv2d","weights":[[[[1]]],[[[0.5]]]],"neuron":{"model":"if","threshold":1}},'
    '{"kind":"avgpool2d","kernel":[2,2]},{"name":"f","kind":"flatten"},'
    '{"kind":"sum","inputs":[{"from":"f","weights":[[0.5,0],[0,0.5]]},{"from":"f","kind":"identity","weight":0.25}],'
    '"bias":[0.25,0.25],"neuron":{"model":"if","threshold":1}}]},'
    '"steps":2,"input":{"kind":"constant","values":[1,1,1,1]},"record":["counts","spikes","potential","trace"]}'
)


def test_layers_of_all_kinds() raises:
    var got = run("simulate", KINDS)
    var zeros = String('"0000000000000000"')
    for _ in range(7):
        zeros += ',"0000000000000000"'
    # The mean of the map that fires at every other step is 0, then 1.
    var due = String(
        'accept","output":{"readout":[2,1],"counts":[[2,2,2,2,1,1,1,1],[],[],[2,1]],',
        '"spikes":[[[0,1,2,3],[0,1,2,3,4,5,6,7]],[],[],[[0],[0,1]]],"potential":[[',
        zeros,
        '],[],[],["0000000000000000","3fd0000000000000"]],"trace":[[{"before":["3ff',
    )
    assert_true(got.startswith(due), got)
    assert_true('}],[],[],[{"before":["3ff' in got, got)


def check_kinds(
    old: StringSpan, new: StringSpan, code: StringSpan, path: StringSpan
) raises:
    """Checks the rejection of a network of all kinds with one part replaced."""
    assert_true(old in KINDS, String(old))
    check_reject(
        "simulate",
        String(KINDS).replace(old, new),
        code,
        String("/network", path),
    )


def test_rules_of_kinds() raises:
    check_kinds(
        '"from":"f","weights":[[0.5,0],[0,0.5]]',
        '"kind":"sum"',
        "network.kind",
        "/layers/3/inputs/0/kind",
    )
    check_kinds(
        '"kind":"flatten"',
        '"kind":"identity"',
        "network.kind",
        "/layers/2/kind",
    )
    check_kinds(
        '{"from":"f","kind":"identity","weight":0.25}',
        "0",
        "network.object",
        "/layers/3/inputs/1",
    )
    check_kinds(
        '"kind":"sum",',
        '"kind":"sum","from":"f",',
        "network.unknown-key",
        "/layers/3/from",
    )
    check_kinds(
        '"from":"f","weights"',
        '"weights"',
        "network.missing-key",
        "/layers/3/inputs/0/from",
    )
    check_kinds(
        '"inputs":[', '"inputs":{},"x":[', "network.unknown-key", "/layers/3/x"
    )
    check_kinds(
        "[1,2,2]", "[4096,4097,1]", "network.input-shape", "/input_shape"
    )
    check_kinds('"name":"f"', '"name":"a"', "network.name", "/layers/2/name")
    check_kinds(
        '"from":"f","kind"',
        '"from":"g","kind"',
        "network.from",
        "/layers/3/inputs/1/from",
    )
    check_kinds(
        '"kernel":[2,2]',
        '"kernel":[2,0]',
        "network.geometry",
        "/layers/1/kernel",
    )
    check_kinds(
        "[[[0.5]]]", "[[[0.5,1]]]", "network.weight-rank", "/layers/0/weights"
    )
    check_kinds(
        "0.25}", '"NaN"}', "network.weight-finite", "/layers/3/inputs/1/weight"
    )


def test_rules_of_shapes() raises:
    check_kinds("[1,2,2]", "[2,2,2]", "network.chain", "/layers/0/weights")
    check_kinds(
        '"kernel":[2,2]', '"kernel":[3,2]', "network.chain", "/layers/1"
    )
    check_kinds(
        "[[0.5,0],[0,0.5]]", "[[1,1]]", "network.chain", "/layers/3/inputs/1"
    )
    check_kinds(
        '"bias":[0.25,0.25]', '"bias":[0]', "network.chain", "/layers/3/bias"
    )
    check_kinds(
        '"kind":"conv2d",',
        '"kind":"conv2d","padding":[4096,2047],',
        "network.elements",
        "/layers/0",
    )
    check_reject(
        "simulate",
        simulation(String(LAYER, ',{"kind":"flatten"}'), CONSTANT),
        "network.output",
        "/network/layers/1",
    )
    # Without an input_shape only dense layers take the input.
    check_reject(
        "simulate",
        simulation(String('{"kind":"flatten"},', LAYER), CONSTANT),
        "network.chain",
        "/network/layers/0",
    )


def test_input_rules() raises:
    check_network('"steps":3', '"steps":0', "simulate.steps", "/steps")
    check_network('"steps":3', '"steps":1048577', "simulate.steps", "/steps")
    check_network('"constant"', '"current"', "input.kind", "/input/kind")
    check_network(
        '"constant"', '"constant","seed":1', "input.unknown-key", "/input/seed"
    )
    check_network(
        '"constant","values"', '"poisson","rates"', "input.seed", "/input/seed"
    )
    check_network(
        '"constant","values"',
        '"poisson","seed":1,"sample":-1,"rates"',
        "input.sample",
        "/input/sample",
    )
    check_network(
        '"values":[1.0,1.0]', '"values":[1.0]', "input.shape", "/input/values"
    )
    check_network(
        '"values":[1.0,1.0]',
        '"values":[[1,1],[1,true]]',
        "input.shape",
        "/input/values/1/1",
    )
    check_network(
        '"values":[1.0,1.0]',
        '"values":[1,"NaN"]',
        "input.range",
        "/input/values/1",
    )
    check_network(
        '"constant","values":[1.0,1.0]',
        '"spikes","indices":[[0],[]]',
        "input.shape",
        "/input/indices",
    )
    check_network(
        '"constant","values":[1.0,1.0]',
        '"spikes","indices":[[0],[1,0],[]]',
        "input.indices",
        "/input/indices/1/1",
    )
    check_network(
        '"constant","values":[1.0,1.0]',
        '"spikes","indices":[[2],[],[]]',
        "input.indices",
        "/input/indices/0/0",
    )
    check_network(
        CONSTANT, CONSTANT + ',"record":["count"]', "record.kind", "/record/0"
    )


def test_runs_that_overflow() raises:
    check_network(
        "[[0.5,0.25]]",
        "[[1.7e308,1.7e308]]",
        "simulate.non-finite",
        "/network/layers/0",
    )


def single(layer: StringSpan, rest: StringSpan) -> String:
    """Makes a simulation in binary32 that answers with the potential of its only layer."""
    return String(
        '{"profile":"sequential-f32","network":{"layers":[{',
        layer,
        '}],"readout":"membrane"},"steps":1,"input":',
        rest,
        "}",
    )


def check_single(
    weights: StringSpan, values: StringSpan, potential: StringSpan
) raises:
    """Checks the potential of one neuron after one step in binary32."""
    check_accept(
        "simulate",
        single(
            String(
                '"weights":[[',
                weights,
                ']],"neuron":{"model":"if","threshold":1}',
            ),
            String('{"kind":"constant","values":[', values, "]}"),
        ),
        String('{"readout":["', potential, '"]}'),
    )


def test_single_precision_rounds_what_it_reads_once() raises:
    check_single("0.1", "1", "3dcccccd")
    check_single("1", "0.1", "3dcccccd")
    # Just above the middle between two binary32 as a text, in the middle as a binary64: to the even one.
    check_single("1.00000005960464477539062500001", "1", "3f800000")
    check_single("1.0000000596046449", "1", "3f800001")
    # The largest binary64 below the middle between the largest binary32 and what would be next.
    check_single("3.4028235677973362e38", "1", "7f7fffff")
    # Subnormals are kept, as they are read and as products.
    check_single("1e-45", "1", "00000001")
    check_single("1e-30", "1e-15", "00000001")
    check_single("-7e-46", "1", "00000000")


def test_single_precision_rounds_every_operation() raises:
    # 2^24 swallows each 1.
    check_single("16777216,1,1", "1,1,1", "4b800000")
    # (1 + 2^-13) * (1 - 2^-13) = 1 - 2^-26 rounds to 1 before the sum with -1.
    check_single("-1,1.0001220703125", "1,0.9998779296875", "00000000")
    # A leak is rounded, too, and so are biases and initial potentials.
    check_accept(
        "simulate",
        single(
            '"weights":[[0]],"bias":[-1],"neuron":{"model":"lif","threshold":1,"decay":0.9998779296875,"initial_potential":1.0001220703125}',
            '{"kind":"constant","values":[1]}',
        ),
        '{"readout":["00000000"]}',
    )


def test_single_precision_records() raises:
    # A threshold of 2^24 + 1 is rounded to 2^24, where a potential of 2^24 fires.
    check_accept(
        "simulate",
        '{"profile":"sequential-f32","network":{"layers":[{"weights":[[16777216]],"neuron":{"model":"if","threshold":16777217}}]},"steps":2,"input":{"kind":"spikes","indices":[[[0],[]],[[],[]]]},"record":["counts","spikes","potential","trace"]}',
        '{"readout":[[1],[0]],"counts":[[[1]],[[0]]],"spikes":[[[[0],[]]],[[[],[]]]],"potential":[[["00000000"]],[["00000000"]]],"trace":[[[{"before":["4b800000"],"after":["00000000"]},{"before":["00000000"],"after":["00000000"]}]],[[{"before":["00000000"],"after":["00000000"]},{"before":["00000000"],"after":["00000000"]}]]]}',
    )
    # Rates stay binary64: rounded to binary32 the first one would fire.
    check_accept(
        "simulate",
        single(
            '"weights":[[1]],"neuron":{"model":"if","threshold":1}',
            '{"kind":"poisson","seed":0,"rates":[[0.3990464706439525],[1]]}',
        ),
        '{"readout":[["00000000"],["3f800000"]]}',
    )


def check_single_rule(
    layer: StringSpan, rest: StringSpan, code: StringSpan, path: StringSpan
) raises:
    """Checks a rejection in binary32, and that there is none in binary64."""
    var request = single(layer, rest)
    check_reject("simulate", request, code, path)
    var double = request.replace("sequential-f32", "sequential-f64")
    assert_true(run("simulate", double).startswith("accept"), double)


def test_single_precision_rules() raises:
    comptime NEURON = '"neuron":{"model":"if","threshold":1}'
    comptime INPUT = '{"kind":"constant","values":[1]}'
    comptime LAYERS = "/network/layers/0/"
    # The middle between the largest binary32 and what would be next.
    for value in ["3.4028235677973366e38", "-1e39"]:
        check_single_rule(
            String('"weights":[[', value, "]],", NEURON),
            INPUT,
            "network.weight-finite",
            LAYERS + "weights/0/0",
        )
        check_single_rule(
            String('"weights":[[1]],"bias":[', value, "],", NEURON),
            INPUT,
            "network.bias-finite",
            LAYERS + "bias/0",
        )
        check_single_rule(
            String(
                '"weights":[[1]],"neuron":{"model":"if","threshold":1,"initial_potential":',
                value,
                "}",
            ),
            INPUT,
            "network.initial-potential",
            LAYERS + "neuron/initial_potential",
        )
        check_single_rule(
            String('"weights":[[1]],', NEURON),
            String('{"kind":"constant","values":[[1],[', value, "]]}"),
            "input.range",
            "/input/values/1/0",
        )
    # 2^-150, the middle between 0 and the smallest binary32.
    for value in ["3.4028235677973366e38", "7.006492321624085e-46", "5e-324"]:
        check_single_rule(
            String(
                '"weights":[[1]],"neuron":{"model":"if","threshold":',
                value,
                "}",
            ),
            INPUT,
            "network.threshold",
            LAYERS + "neuron/threshold",
        )
    check_accept(
        "simulate",
        single(
            '"weights":[[1]],"neuron":{"model":"lif","threshold":7.006492321624087e-46,"decay":5e-324}',
            INPUT,
        ),
        '{"readout":["3f800000"]}',
    )
    # A decay is held to its bounds before it is rounded.
    check_reject(
        "simulate",
        single(
            '"weights":[[1]],"neuron":{"model":"lif","threshold":1,"decay":1.0000000000000002}',
            INPUT,
        ),
        "network.decay",
        LAYERS + "neuron/decay",
    )
    check_single_rule(
        String('"weights":[[3e38,3e38]],', NEURON),
        '{"kind":"constant","values":[1,1]}',
        "simulate.non-finite",
        "/network/layers/0",
    )


def test_encode_poisson() raises:
    check_accept(
        "encode.poisson",
        '{"rates":[1,0,1],"seed":0,"steps":2}',
        '{"spikes":[[0,2],[0,2]]}',
    )
    check_reject(
        "encode.poisson",
        '{"rates":[1,[0]],"seed":0,"steps":2}',
        "input.shape",
        "/rates/1",
    )
    check_reject(
        "encode.poisson",
        '{"rates":[1.5],"seed":0,"steps":2}',
        "input.range",
        "/rates/0",
    )
    check_reject(
        "encode.poisson",
        '{"rates":[1],"seed":-1,"steps":2}',
        "input.seed",
        "/seed",
    )


def check_qcfs(x: StringSpan, rest: StringSpan, y: StringSpan) raises:
    """Checks the activation of one entry."""
    check_accept(
        "activation.qcfs",
        String('{"x":[', x, "],", rest, "}"),
        String('{"y":["', y, '"]}'),
    )


def test_qcfs() raises:
    check_accept("activation.qcfs", '{"x":[],"theta":1,"T":1}', '{"y":[]}')
    # Levels are a quarter apart, and half a level is rounded up.
    comptime QUARTERS = '"theta":1.0,"T":4'
    check_qcfs("0.125", QUARTERS, "3fd0000000000000")
    check_qcfs("0.1249", QUARTERS, "0000000000000000")
    # A hair less than half a level: the sum with 0.5 is rounded to 1.
    check_qcfs("0.12499999999999999", QUARTERS, "3fd0000000000000")
    check_qcfs("-0.125", QUARTERS, "0000000000000000")
    check_qcfs("-0.0", QUARTERS, "0000000000000000")
    check_qcfs("1.75", QUARTERS, "3ff0000000000000")
    # Products and quotients that overflow are clipped.
    check_qcfs("1e308", '"theta":1e-308,"T":1048576', "000730d67819e8d2")
    check_qcfs("-1e308", '"theta":1e-308,"T":1048576', "0000000000000000")
    # The order of the operations: 3 * (0.1 / 3) and 3 * (0.1 / 7) would be an ulp less, as would (3 / 7) * 0.1.
    check_qcfs("0.3", '"theta":0.1,"T":3', "3fb999999999999b")
    check_qcfs("0.043", '"theta":0.1,"T":7', "3fa5f15f15f15f17")


def test_qcfs_rules() raises:
    comptime Q = "activation.qcfs"
    for rest in ['"theta":0,"T":0', '"theta":1,"T":1']:
        for x in ["null", "1", '{"a":1}', '"NaN"']:
            check_reject(
                Q, String('{"x":', x, ",", rest, "}"), "qcfs.input", "/x"
            )
        for x in ['[0,"NaN",null]', "[0,true,1]", "[0,[1]]", '[0,"1"]']:
            check_reject(
                Q, String('{"x":', x, ",", rest, "}"), "qcfs.input", "/x/1"
            )
    for theta in ["0", "-0.0", "-1", '"Infinity"', '"NaN"', "true", "[1]"]:
        check_reject(
            Q,
            String('{"x":[1],"T":0,"theta":', theta, "}"),
            "qcfs.theta",
            "/theta",
        )
    for steps in ["0", "-1", "1048577", "2.0", "true", '"1"', "null"]:
        check_reject(
            Q,
            String('{"x":[1],"theta":1,"T":', steps, "}"),
            "qcfs.steps",
            "/T",
        )
    check_reject(
        Q,
        '{"x":[-1,1e307,1e308],"theta":1e308,"T":4}',
        "qcfs.non-finite",
        "/x/2",
    )


def test_normalize() raises:
    comptime N = "convert.normalize"
    check_accept(
        N,
        '{"layers":[{"weights":[[1,-0.0]],"bias":[3]},{"weights":[]},{"bias":[0,-1],"weights":[[],[]]}],"scales":[2,0.5,4]}',
        '{"layers":[{"weights":[["3fe0000000000000","8000000000000000"]],"bias":["3ff8000000000000"]},{"weights":[]},{"weights":[[],[]],"bias":["0000000000000000","bfd0000000000000"]}]}',
    )
    # (0.1 * 3) / 0.7, each rounded; 0.1 * (3 / 0.7) would be an ulp less.
    check_accept(
        N,
        '{"layers":[{"weights":[[3]]},{"weights":[[0.1]],"bias":[0.1]}],"scales":[3,0.7]}',
        '{"layers":[{"weights":[["3ff0000000000000"]]},{"weights":[["3fdb6db6db6db6dd"]],"bias":["3fc2492492492493"]}]}',
    )


def check_normalize(
    layers: StringSpan, scales: StringSpan, code: StringSpan, path: StringSpan
) raises:
    """Checks a rejection of threshold balancing."""
    check_reject(
        "convert.normalize",
        String('{"layers":', layers, ',"scales":', scales, "}"),
        code,
        path,
    )


def test_normalize_rules() raises:
    comptime L = '{"weights":[[1]],"bias":[1]}'
    check_normalize('[{"a":1},3]', "0", "network.object", "/layers/1")
    check_normalize(
        '[{},{"weights":0,"neuron":0}]',
        "0",
        "network.unknown-key",
        "/layers/1/neuron",
    )
    check_normalize(
        '[{"weights":0},{"bias":0}]',
        "0",
        "network.missing-key",
        "/layers/1/weights",
    )
    check_normalize("[]", "[]", "network.layers", "/layers")
    check_normalize("{}", "[]", "network.layers", "/layers")
    check_normalize(
        '[{"weights":[1],"bias":0},{"weights":[[true]]}]',
        "0",
        "network.weight-type",
        "/layers/1/weights/0/0",
    )
    check_normalize(
        '[{"weights":{"file":"a","member":"b"}}]',
        "[1]",
        "network.weight-type",
        "/layers/0/weights",
    )
    check_normalize(
        '[{"weights":[["NaN"]]},{"weights":[1]}]',
        "0",
        "network.weight-rank",
        "/layers/1/weights",
    )
    check_normalize(
        '[{"weights":[["NaN"]],"bias":0}]',
        "0",
        "network.weight-finite",
        "/layers/0/weights/0/0",
    )
    check_normalize(
        '[{"weights":[[1]],"bias":[1,2]},{"weights":[[1]],"bias":0}]',
        "0",
        "network.bias-type",
        "/layers/1/bias",
    )
    check_normalize(
        '[{"weights":[[1]],"bias":["NaN",2]}]',
        "0",
        "network.bias-shape",
        "/layers/0/bias",
    )
    check_normalize(
        '[{"weights":[[1]],"bias":["NaN"]}]',
        "0",
        "network.bias-finite",
        "/layers/0/bias/0",
    )
    for scales in ["0", "null", "[]", "[1,2]", "{}"]:
        check_normalize(
            String("[", L, "]"), scales, "normalize.scales", "/scales"
        )
    for scale in ["0", "-0.0", "-1", '"NaN"', '"Infinity"', "true", "[1]"]:
        check_normalize(
            String("[", L, ",", L, "]"),
            String("[1,", scale, "]"),
            "normalize.scales",
            "/scales/1",
        )
    check_normalize(
        String("[", L, ',{"weights":[[1,1],[1,9]],"bias":[1e308,9]}]'),
        "[1e308,1e-1]",
        "normalize.non-finite",
        "/layers/1/weights/0/0",
    )
    check_normalize(
        '[{"weights":[[0,0],[0,1e300]],"bias":[9,9]}]',
        "[1e-300]",
        "normalize.non-finite",
        "/layers/0/weights/1/1",
    )
    check_normalize(
        '[{"weights":[[0],[0]],"bias":[1,1e300]},{"weights":[[1e300]]}]',
        "[1e-300,1e-300]",
        "normalize.non-finite",
        "/layers/0/bias/1",
    )


def test_lines_of_any_length() raises:
    var ends = List[Int32](length=2, fill=0)
    assert_equal(external_call["pipe", Int32](ends.unsafe_ptr()), 0)
    # Less than a pipe holds: nobody reads while this writes.
    var long = String("x" * 40000)
    write_all(ends[1], String("a\n\n", long, "\nrest").as_bytes())
    _ = external_call["close", Int32](ends[1])
    var reader = LineReader(ends[0])
    var lengths: List[Int] = []
    while reader.fill():
        var line = reader.buffered()
        while line:
            lengths.append(len(line.take()))
            line = reader.buffered()
    assert_equal(lengths, [1, 0, 40000])
    assert_equal(String(from_utf8=reader.rest()), "rest")
    assert_equal(len(reader.rest()), 0)


def main() raises:
    TestSuite.discover_tests[__functions_in_module()]().run()
