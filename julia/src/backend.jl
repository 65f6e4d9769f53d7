# The conformance backend: one request line in, one answer line out (conformance/spec/protocol.md).

const PROTOCOL = 1
const BACKEND_VERSION = "0.1.0"
const PROFILES = ["sequential-f64", "sequential-f32"]

"""
A conversation: whether `bye` has come, the `facts` that `hello` adds for reports, and the folders below which requests
read and save.
"""
mutable struct Session
    ended::Bool
    facts::Vector{Pair{String,String}}
    root::String
    scratch::String
end

Session(facts::Pair{String,String}...) = Session(false, ["julia" => string(VERSION), facts...], ".", ".")

"The conversation of a program that hands over one line at a time, as juliacall's does."
const SESSION = Session("transport" => "juliacall")

"A request that cannot be answered because the backend does not know what it asks for."
struct Unsupported <: Exception
    reason::String
end

"""
    handle_line([session, ]line)

The answer to one request line, without a line end; empty where none is due. Never throws but `InterruptException`:
whatever goes wrong inside is an answer with the verdict `error`.
"""
handle_line(line::String)::String = handle_line(SESSION, line)

function handle_line(session::Session, line::String)::String
    id = Ref("")
    try
        answer(session, read_request(line), id)
    catch err
        err isa InterruptException && rethrow()
        to_json(JsonObject("id" => id[], "verdict" => "error", "message" => sprint(showerror, err)))
    end
end

function read_request(line::String)
    request = try
        parse_json(line, MAX_REQUEST_DEPTH)
    catch err
        err isa Rejection ? error("the request line is not JSON: ", sprint(showerror, err)) : rethrow()
    end
    request isa JsonObject ? request : error("a request is an object, got $(describe(request))")
end

function answer(session::Session, request::JsonObject, id::Ref{String})
    command = get(request, "cmd")
    isequal(command, "run") && return run_operation(session, request, id)
    isequal(command, "hello") && return to_json(hello(session, request))
    isequal(command, "bye") && (session.ended = true)
    isequal(command, "root") && (session.root = get(request, "root"))
    isequal(command, "bye") || isequal(command, "root") || error("the command $(describe(command)) is unknown")
    ""
end

function hello(session::Session, request::JsonObject)
    session.root, session.scratch = get(request, "root"), get(request, "scratch")
    JsonObject("protocol" => PROTOCOL, "name" => "julia", "version" => BACKEND_VERSION, "language" => "Julia",
               "ops" => String[name for (name, _) in OPERATIONS], "codes" => CODES, "profiles" => PROFILES,
               session.facts...)
end

function run_operation(session::Session, request::JsonObject, id::Ref{String})
    id[] = get(request, "id")
    name, input = get(request, "op"), get(request, "input")
    try
        to_json(JsonObject("id" => id[], "verdict" => "accept", "output" => operation(name)(input, session)))
    catch err
        err isa Rejection && return to_json(JsonObject("id" => id[], "verdict" => "reject", "code" => err.code,
                                                       "path" => err.path, "message" => err.message))
        err isa Unsupported || rethrow()
        to_json(JsonObject("id" => id[], "verdict" => "unsupported", "reason" => err.reason))
    end
end

function operation(wanted)
    for (name, f) in OPERATIONS
        isequal(name, wanted) && return f
    end
    throw(Unsupported("the operation $(describe(wanted)) is unknown"))
end

# ---- operations: from `input` to `output` ----------------------------------------------------------------------------

run_json_parse(input::JsonObject, ::Session) = JsonObject("value" => Tagged(parse_json(text_under_test(input))))

function run_checkpoint_validate(input::JsonObject, ::Session)
    checkpoint = read_checkpoint(document_under_test(input), ROOT)
    checkpoint_output(checkpoint, total_params(checkpoint))
end

checkpoint_output(checkpoint::Checkpoint, total::Int) =
    JsonObject("n_layers" => length(checkpoint.layer_names), "total_params" => total,
               "layer_names" => checkpoint.layer_names, "frozen_layers" => checkpoint.frozen_layers)

function run_config_validate(input::JsonObject, ::Session)
    config = read_config(document_under_test(input), ROOT)
    JsonObject("freeze_until" => config.freeze_until, "lr_backbone" => config.lr_backbone, "lr_head" => config.lr_head)
end

function run_transfer_freeze(input::JsonObject, ::Session)
    checkpoint = read_checkpoint(get(input, "checkpoint"), ROOT / "checkpoint")
    freeze!(checkpoint; layer_names = get(input, "layer_names"), until_index = get(input, "until_index"))
    JsonObject("frozen_layers" => checkpoint.frozen_layers)
end

function run_transfer_unfreeze(input::JsonObject, ::Session)
    checkpoint = read_checkpoint(get(input, "checkpoint"), ROOT / "checkpoint")
    unfreeze!(checkpoint; layer_names = get(input, "layer_names"),
              all_layers = get(input, "all_layers", false))
    JsonObject("frozen_layers" => checkpoint.frozen_layers)
end

function run_transfer_apply(input::JsonObject, ::Session)
    checkpoint = read_checkpoint(get(input, "checkpoint"), ROOT / "checkpoint")
    rates = apply!(checkpoint, read_config(get(input, "config"), ROOT / "config"))
    JsonObject("frozen_layers" => checkpoint.frozen_layers, "learning_rates" => rates)
end

run_simulate(input::JsonObject, session::Session) =
    simulate_in(float_type(get(input, "profile", PROFILES[1])), input, session)

"The float type that a profile computes in."
float_type(wanted) = isequal(wanted, PROFILES[1]) ? Float64 : isequal(wanted, PROFILES[2]) ? Float32 :
    throw(Unsupported("the profile $(describe(wanted)) is unknown"))

function simulate_in(::Type{T}, input::JsonObject, session::Session) where {T}
    network = read_requested_network(T, get(input, "network"), session.root, ROOT / "network")
    steps = get(input, "steps")
    simulate_steps(steps, ROOT / "steps")
    inputs, batch = read_input(get(input, "input"), input_width(network), integer(steps), ROOT / "input",
                               T, session.root)
    names = get(input, "record", String[])
    record_kind(names, ROOT / "record")
    record = Record(names)
    simulation_output(run_batch(network, inputs, integer(steps), record), batch, record)
end

function simulation_output(runs::Vector{<:Run}, batch::Bool, record::Record)
    output = JsonObject("readout" => per_sample(runs, batch, readout_output))
    record.counts && push!(output, "counts" => per_sample(runs, batch, counts_output))
    record.spikes && push!(output, "spikes" => per_sample(runs, batch, spikes_output))
    record.potential && push!(output, "potential" => per_sample(runs, batch, potential_output))
    record.trace && push!(output, "trace" => per_sample(runs, batch, trace_output))
    output
end

readout_output(run::Run) = run.readout
counts_output(run::Run) = run.counts
spikes_output(run::Run) = from_zero(run.spikes)
potential_output(run::Run) = run.potential
trace_output(run::Run) =
    Any[Any[JsonObject("before" => before, "after" => after) for (before, after) in layer] for layer in run.trace]

"One item of the answer: with a leading sample axis for a batch."
function per_sample(runs::Vector{<:Run}, batch::Bool, @nospecialize item::Function)
    batch || return item(runs[1])
    items = Any[]
    for run in runs
        push!(items, item(run))
    end
    items
end

function run_checkpoint_load(input::JsonObject, session::Session)
    pair_output(load_pair(place_of_pair(session.root, get(input, "base"), ROOT / "base"), true))
end

function run_checkpoint_save(input::JsonObject, session::Session)
    place = place_of_pair(session.scratch, get(input, "base"), ROOT / "base")
    base, compress = place_to_save(place), get(input, "compress", true)
    network, written = get(input, "network"), () -> load_pair(place, true)
    pair_output(network === missing ?
        write_checkpoint(read_checkpoint(get(input, "checkpoint"), ROOT / "checkpoint"), base, compress, true, written) :
        write_network(read_network(network, ROOT / "network", Float64), base, compress, true, written))
end

place_of_pair(folder::String, @nospecialize(base), at::JsonPointer) = PairPlace(folder, file_path(base, at), at)

function pair_output(pair::LoadedPair)
    members, total = JsonObject[], 0
    for (member, digest) in zip(pair.members, pair.digests)
        push!(members, JsonObject("name" => member.name, "shape" => member.shape, "sha256" => digest))
        total += prod(member.shape)
    end
    output = push!(checkpoint_output(pair.checkpoint, total), "format_version" => pair.format_version)
    push!(output, "members" => members)
end

function run_encode_poisson(input::JsonObject, ::Session)
    steps = get(input, "steps")
    simulate_steps(steps, ROOT / "steps")
    JsonObject("spikes" => from_zero(spike_train(read_poisson(input, ROOT), integer(steps))))
end

run_activation_qcfs(input::JsonObject, ::Session) =
    JsonObject("y" => qcfs(get(input, "x"), get(input, "theta"), get(input, "T")))

run_convert_normalize(input::JsonObject, ::Session) =
    JsonObject("layers" => normalize(get(input, "layers"), get(input, "scales"), ROOT))

const OPERATIONS = Pair{String,Function}[
    "json.parse" => run_json_parse,
    "checkpoint.validate" => run_checkpoint_validate,
    "config.validate" => run_config_validate,
    "transfer.freeze" => run_transfer_freeze,
    "transfer.unfreeze" => run_transfer_unfreeze,
    "transfer.apply" => run_transfer_apply,
    "simulate" => run_simulate,
    "encode.poisson" => run_encode_poisson,
    "checkpoint.load" => run_checkpoint_load,
    "checkpoint.save" => run_checkpoint_save,
    "activation.qcfs" => run_activation_qcfs,
    "convert.normalize" => run_convert_normalize,
]

# ---- documents under test --------------------------------------------------------------------------------------------

function document_under_test(input::JsonObject)
    document = get(input, "document")
    document === missing ? parse_json(text_under_test(input)) : document
end

function text_under_test(input::JsonObject)
    text = get(input, "text")
    text === missing ? String(decode_base64(get(input, "base64"))) : text
end

const BASE64_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
const BASE64_VALUES = UInt8[something(findfirst(isequal(Char(b)), BASE64_LETTERS), 256) - 1 for b in 0x00:0x7f]

"The bytes of standard base64 text (RFC 4648, section 4)."
function decode_base64(text::String)
    bytes, bits, held = UInt8[], UInt32(0), 0
    for letter in codeunits(rstrip(text, '='))
        value = letter < 0x80 ? BASE64_VALUES[letter+1] : 0xff
        value == 0xff && error("the letter $(repr(Char(letter))) is not one of base64")
        bits, held = (bits << 6) | value, held + 6
        held >= 8 || continue
        held -= 8
        push!(bytes, (bits >> held) % UInt8)
    end
    bytes
end

"A parsed value that is written with the type of every part (protocol.md), so that answers can be compared exactly."
struct Tagged
    value::Any
end

write_json(io::IOBuffer, tagged::Tagged) = write_tagged(io, tagged.value)

write_tagged(io::IOBuffer, x::Nothing) = write_tag(io, "z", x)
write_tagged(io::IOBuffer, x::Bool) = write_tag(io, "b", x)
write_tagged(io::IOBuffer, x::String) = write_tag(io, "s", x)
write_tagged(io::IOBuffer, x::Int64) = write_tag(io, "i", string(x))
write_tagged(io::IOBuffer, x::MinusZero) = write_tag(io, "i", "-0")
write_tagged(io::IOBuffer, x::Float64) = write_tag(io, "n", x)
write_tagged(io::IOBuffer, x::BigInt) = write_tag(io, "n", Float64(x))
write_tagged(io::IOBuffer, x::Vector{Any}) = write_tag(io, "a", Any[Tagged(v) for v in x])
write_tagged(io::IOBuffer, x::JsonObject) =
    write_tag(io, "o", Any[Any[name, Tagged(v)] for (name, v) in zip(x.names, x.values)])

write_tag(io::IOBuffer, tag::String, @nospecialize value) = write_json(io, JsonObject(tag => value))

# ---- the loop --------------------------------------------------------------------------------------------------------

const FLUSH_AFTER_NS = 5_000_000     # answers are not held back for longer while further requests are at hand

"""
    serve(input, output; session)

Answer the request lines of `input` until `bye` or its end. Answers are flushed when no further line has arrived.
"""
function serve(input::IO, output::IO; session::Session = Session("transport" => "process"))
    pending, answers = UInt8[], IOBuffer()
    while !session.ended && !eof(input)
        chunk = readavailable(input)
        append!(pending, chunk)
        0x0a in chunk && (pending = answer_lines!(session, pending, answers, output))
    end
    isempty(pending) || session.ended || answer_line!(session, String(pending), answers)
    send!(answers, output)
end

"Answer the complete lines of `pending`; returns what follows the last of them."
function answer_lines!(session::Session, pending::Vector{UInt8}, answers::IOBuffer, output::IO)
    start, sent = 1, time_ns()
    while !session.ended
        stop = findnext(isequal(0x0a), pending, start)
        stop === nothing && break
        answer_line!(session, String(pending[start:stop-1]), answers)
        start = stop + 1
        time_ns() - sent < FLUSH_AFTER_NS || (send!(answers, output); sent = time_ns())
    end
    send!(answers, output)
    pending[start:end]
end

function answer_line!(session::Session, line::String, answers::IOBuffer)
    text = handle_line(session, line)
    isempty(text) || write(answers, text, '\n')
end

function send!(answers::IOBuffer, output::IO)
    position(answers) == 0 && return
    write(output, take!(answers))
    flush(output)
end

# ---- precompilation --------------------------------------------------------------------------------------------------

"Answer one request of each kind, so that the first real ones find their methods compiled."
function warm_up()
    checkpoint = """{"layer_names":["a","b"],"layer_sizes":[[2,1],[1,1]],"weights":[[[0.5,1]],[[1e0]]],
        "frozen_layers":["a"]}"""
    network = """{"layers":[{"weights":[[0.5,0.25]],"bias":[0.1],"neuron":{"model":"if","threshold":1.0}},
        {"weights":[[1]],"neuron":{"model":"lif","threshold":1,"decay":0.9}}],"readout":"membrane"}"""
    simulation = """"network":$network,"steps":2,"record":["counts","spikes","potential","trace"]"""
    poisson = """"rates":[0.5,1],"seed":7"""
    requests = [
        """{"cmd":"hello","protocol":1,"root":"/","scratch":"/"}""",
        warm_up_run("json.parse", """{"text":"{\\"a\\":[1,-0,2.5,\\"\\\\u00e9\\",null,true]}"}"""),
        warm_up_run("json.parse", """{"base64":"WzEsXQ=="}"""),
        warm_up_run("checkpoint.validate", """{"document":$checkpoint}"""),
        warm_up_run("config.validate", """{"document":{"freeze_until":"a","lr_head":0.5}}"""),
        warm_up_run("config.validate", """{"text":"[]"}"""),
        warm_up_run("transfer.freeze", """{"checkpoint":$checkpoint,"layer_names":["b"],"until_index":0}"""),
        warm_up_run("transfer.unfreeze", """{"checkpoint":$checkpoint,"layer_names":["b"],"all_layers":true}"""),
        warm_up_run("transfer.apply", """{"checkpoint":$checkpoint,"config":{"freeze_until":0}}"""),
        warm_up_run("simulate", """{$simulation,"input":{"kind":"constant","values":[[1,1.5]]}}"""),
        warm_up_run("simulate", """{$simulation,"input":{"kind":"spikes","indices":[[0],[1]]}}"""),
        warm_up_run("simulate", """{$simulation,"input":{"kind":"poisson",$poisson}}"""),
        warm_up_run("encode.poisson", """{$poisson,"steps":2}"""),
        """{"cmd":"bye"}""",
    ]
    serve(IOBuffer(join(requests, '\n')), IOBuffer())
end

warm_up_run(op::String, input::String) =
    """{"cmd":"run","id":"warm","op":"$op","input":$(replace(input, '\n' => ' '))}"""
