//! The operations of the protocol: each reads a request's `input` and writes the members of the `output`.
#![forbid(unsafe_code)]

use std::borrow::Cow;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

use base64::prelude::{Engine, BASE64_STANDARD};

use crate::checkpoint::Checkpoint;
use crate::files::{LoadError, Place};
use crate::fine_tune::{self, FreezeUntil, TransferConfig};
use crate::input_rules::{self, Batch, PoissonRates};
use crate::json::{self, Object, Value};
use crate::network::{Network, Readout};
use crate::normalize;
use crate::pair::{Compression, Pair};
use crate::pair_saving::{pair_of_checkpoint, pair_of_network, save};
use crate::qcfs::Qcfs;
use crate::real::Real;
use crate::reference;
use crate::rule::Rejection;
use crate::simulate::{self, Moment, Record, Run};
use crate::writer::{self, Members};

/// Why an operation gives no output.
#[derive(Debug)]
pub enum Refusal {
    /// The tested datum breaks a rule.
    Rejected(Rejection),
    /// The request asks for what this backend does not know.
    Unsupported(String),
    /// The request itself is malformed, outside the tested datum, or the system failed.
    Failed(String),
}

impl From<Rejection> for Refusal {
    fn from(rejection: Rejection) -> Self {
        Refusal::Rejected(rejection)
    }
}

impl From<LoadError> for Refusal {
    fn from(error: LoadError) -> Self {
        match error {
            LoadError::Rejected(rejection) => Refusal::Rejected(rejection),
            LoadError::Io(failure) => Refusal::Failed(failure.to_string()),
        }
    }
}

/// The folders that a hello names.
#[derive(Clone, Debug, Default)]
pub struct Folders {
    /// Where relative paths in requests start.
    pub root: PathBuf,
    /// The only folder to write below.
    pub scratch: PathBuf,
}

/// An operation: from the `input` of a request to the members of its `output`.
pub type Operation = fn(&Folders, &Object<'_>, &mut Members<'_>) -> Result<(), Refusal>;

/// The arithmetic profiles that this backend computes in, the default first.
pub const PROFILES: [&str; 2] = [f64::PROFILE, f32::PROFILE];

/// Every operation under its name.
pub const ALL: [(&str, Operation); 12] = [
    ("json.parse", json_parse),
    ("checkpoint.validate", checkpoint_validate),
    ("config.validate", config_validate),
    ("transfer.freeze", transfer_freeze),
    ("transfer.unfreeze", transfer_unfreeze),
    ("transfer.apply", transfer_apply),
    ("simulate", simulate),
    ("encode.poisson", encode_poisson),
    ("checkpoint.load", checkpoint_load),
    ("checkpoint.save", checkpoint_save),
    ("activation.qcfs", activation_qcfs),
    ("convert.normalize", convert_normalize),
];

fn json_parse(_: &Folders, input: &Object<'_>, output: &mut Members<'_>) -> Result<(), Refusal> {
    let text = text(input)?;
    writer::tagged(output.key("value"), &json::parse(&text, json::DOCUMENT_DEPTH)?);
    Ok(())
}

fn checkpoint_validate(_: &Folders, input: &Object<'_>, output: &mut Members<'_>) -> Result<(), Refusal> {
    let checkpoint = document(input, |value| Checkpoint::read("", value))?;
    writer::int(output.key("n_layers"), checkpoint.layer_names().len());
    writer::int(output.key("total_params"), checkpoint.total_params());
    output.strings("layer_names", checkpoint.layer_names());
    output.strings("frozen_layers", checkpoint.frozen_layers());
    Ok(())
}

fn config_validate(_: &Folders, input: &Object<'_>, output: &mut Members<'_>) -> Result<(), Refusal> {
    let config = document(input, |value| TransferConfig::read("", value))?;
    match config.freeze_until() {
        FreezeUntil::Name(name) => output.string("freeze_until", name),
        FreezeUntil::Index(index) => writer::int(output.key("freeze_until"), *index),
    }
    writer::hex(output.key("lr_backbone"), config.lr_backbone());
    writer::hex(output.key("lr_head"), config.lr_head());
    Ok(())
}

fn transfer_freeze(_: &Folders, input: &Object<'_>, output: &mut Members<'_>) -> Result<(), Refusal> {
    let mut checkpoint = Checkpoint::read("/checkpoint", member(input, "checkpoint")?)?;
    fine_tune::freeze(&mut checkpoint, input)?;
    output.strings("frozen_layers", checkpoint.frozen_layers());
    Ok(())
}

fn transfer_unfreeze(_: &Folders, input: &Object<'_>, output: &mut Members<'_>) -> Result<(), Refusal> {
    let mut checkpoint = Checkpoint::read("/checkpoint", member(input, "checkpoint")?)?;
    fine_tune::unfreeze(&mut checkpoint, input)?;
    output.strings("frozen_layers", checkpoint.frozen_layers());
    Ok(())
}

fn transfer_apply(_: &Folders, input: &Object<'_>, output: &mut Members<'_>) -> Result<(), Refusal> {
    let mut checkpoint = Checkpoint::read("/checkpoint", member(input, "checkpoint")?)?;
    let config = TransferConfig::read("/config", member(input, "config")?)?;
    let rates = checkpoint.apply(&config)?;
    output.strings("frozen_layers", checkpoint.frozen_layers());
    writer::array(output.key("learning_rates"), rates, writer::hex);
    Ok(())
}

fn simulate(folders: &Folders, input: &Object<'_>, output: &mut Members<'_>) -> Result<(), Refusal> {
    match input.get("profile") {
        None => simulate_in::<f64>(folders, input, output),
        Some(Value::String(name)) if name == f64::PROFILE => simulate_in::<f64>(folders, input, output),
        Some(Value::String(name)) if name == f32::PROFILE => simulate_in::<f32>(folders, input, output),
        Some(other) => Err(Refusal::Unsupported(format!(
            "the profiles are {}, not {other}",
            PROFILES.join(" and ")
        ))),
    }
}

/// Runs a simulation in one of the profiles.
fn simulate_in<F: Real>(folders: &Folders, input: &Object<'_>, output: &mut Members<'_>) -> Result<(), Refusal> {
    let network: Network<F> = reference::network(&folders.root, "/network", member(input, "network")?)?;
    let steps = input_rules::steps(member(input, "steps")?)?;
    let arrays = |path: &str, value: &Value<'_>| reference::input_array(&folders.root, path, value);
    let batch = Batch::read("/input", member(input, "input")?, steps, network.inputs(), &arrays)?;
    let wanted = input_rules::record_kind(input.get("record"))?;
    let record = Record {
        spikes: wanted.contains(&"spikes"),
        trace: wanted.contains(&"trace"),
    };
    let samples: Vec<_> = batch.samples().collect();
    let runs =
        simulate::simulate_batch(&network, &samples, steps, record, NonZeroUsize::MIN).map_err(Rejection::from)?;
    let mut item = |key: &str, write: WriteRecord<F>| {
        let out = output.key(key);
        if batch.is_batch() {
            writer::array(out, &runs, write);
        } else {
            write(out, &runs[0]);
        }
    };
    item(
        "readout",
        match network.readout() {
            Readout::Spikes => |out, run| run.counts.last().into_iter().for_each(|last| counts(out, last)),
            Readout::Membrane => |out, run| run.potential.last().into_iter().for_each(|last| potentials(out, last)),
        },
    );
    for (key, write) in records() {
        if wanted.contains(&key) {
            item(key, write);
        }
    }
    Ok(())
}

/// Writes one member of what a sample gave.
type WriteRecord<F> = fn(&mut Vec<u8>, &Run<F>);

/// What `record` can name, and how that is written.
fn records<F: Real>() -> [(&'static str, WriteRecord<F>); 4] {
    [
        ("counts", |out, run| writer::array(out, &run.counts, counts)),
        ("spikes", |out, run| writer::array(out, &run.spikes, raster)),
        ("potential", |out, run| writer::array(out, &run.potential, potentials)),
        ("trace", |out, run| writer::array(out, &run.trace, trace)),
    ]
}

fn counts(out: &mut Vec<u8>, counts: &Vec<u32>) {
    writer::array(out, counts, |out, &count| writer::int(out, count));
}

fn potentials<F: Real>(out: &mut Vec<u8>, potentials: &Vec<F>) {
    writer::array(out, potentials, |out, &potential| writer::hex(out, potential));
}

/// For each step the list of indices.
fn raster(out: &mut Vec<u8>, steps: &Vec<Vec<usize>>) {
    writer::array(out, steps, |out, spikes| {
        writer::array(out, spikes, |out, &spike| writer::int(out, spike))
    });
}

fn trace<F: Real>(out: &mut Vec<u8>, moments: &Vec<Moment<F>>) {
    writer::array(out, moments, |out, moment| {
        writer::object(out, |members| {
            potentials(members.key("before"), &moment.before);
            potentials(members.key("after"), &moment.after);
        });
    });
}

fn encode_poisson(_: &Folders, input: &Object<'_>, output: &mut Members<'_>) -> Result<(), Refusal> {
    let steps = input_rules::steps(member(input, "steps")?)?;
    let rates = PoissonRates::read_sample(input)?;
    raster(output.key("spikes"), &rates.trains(0).spikes(steps));
    Ok(())
}

fn checkpoint_load(folders: &Folders, input: &Object<'_>, output: &mut Members<'_>) -> Result<(), Refusal> {
    let base = Place::below(&folders.root, "/base", member(input, "base")?)?;
    loaded(&Pair::load(&base)?, output);
    Ok(())
}

fn checkpoint_save(folders: &Folders, input: &Object<'_>, output: &mut Members<'_>) -> Result<(), Refusal> {
    let base = place_to_save(&folders.scratch, member(input, "base")?)?;
    let (checkpoint, network);
    let pair = if let Some(value) = input.get("checkpoint") {
        checkpoint = Checkpoint::read("/checkpoint", value)?;
        pair_of_checkpoint(&checkpoint)
    } else {
        network = Network::read("/network", member(input, "network")?)?;
        pair_of_network(&base, &network).map_err(LoadError::Io)?
    };
    let compression = match input.get("compress") {
        None | Some(Value::Bool(true)) => Compression::Deflate,
        Some(Value::Bool(false)) => Compression::Stored,
        Some(other) => return Err(Refusal::Failed(format!("compress is true or false, not {other}"))),
    };
    save(&base, &pair, compression)?;
    loaded(&pair, output);
    Ok(())
}

/// `file.path` of a save.
fn place_to_save(scratch: &Path, base: &Value<'_>) -> Result<Place, LoadError> {
    let base = Place::below(scratch, "/base", base)?;
    base.check_parent()?;
    Ok(base)
}

/// What a load answers.
fn loaded(pair: &Pair, output: &mut Members<'_>) {
    let mut frozen: Vec<&String> = pair.sidecar.frozen.iter().collect();
    frozen.sort();
    frozen.dedup();
    writer::int(output.key("n_layers"), pair.sidecar.layer_names.len());
    writer::int(output.key("total_params"), pair.sidecar.parameters());
    output.strings("layer_names", &pair.sidecar.layer_names);
    output.strings("frozen_layers", frozen);
    writer::int(output.key("format_version"), pair.sidecar.format_version());
    writer::array(output.key("members"), pair.digests(), |out, (due, digest)| {
        writer::object(out, |member| {
            member.string("name", &due.name);
            writer::array(member.key("shape"), &due.shape, |out, &length| writer::int(out, length));
            member.string("sha256", &digest);
        });
    });
}

fn activation_qcfs(_: &Folders, input: &Object<'_>, output: &mut Members<'_>) -> Result<(), Refusal> {
    let (x, theta, steps) = (member(input, "x")?, member(input, "theta")?, member(input, "T")?);
    let activation = Qcfs::read(x, theta, steps)?;
    writer::array(output.key("y"), activation.apply()?, writer::hex);
    Ok(())
}

fn convert_normalize(_: &Folders, input: &Object<'_>, output: &mut Members<'_>) -> Result<(), Refusal> {
    let layers = normalize::read(member(input, "layers")?, member(input, "scales")?)?;
    writer::array(output.key("layers"), layers, |out, layer| {
        writer::object(out, |members| {
            let rows = (0..layer.weights.rows).map(|row| layer.weights.row(row));
            writer::array(members.key("weights"), rows, numbers);
            if let Some(bias) = &layer.bias {
                numbers(members.key("bias"), bias);
            }
        });
    });
    Ok(())
}

fn numbers(out: &mut Vec<u8>, numbers: &[f64]) {
    writer::array(out, numbers, |out, &number| writer::hex(out, number));
}

/// A member that every request of the operation has.
fn member<'v, 'a>(input: &'v Object<'a>, key: &str) -> Result<&'v Value<'a>, Refusal> {
    input
        .get(key)
        .ok_or_else(|| Refusal::Failed(format!("the input has no member {key:?}")))
}

/// Reads the document under test: a value of the request, or a text that is parsed first.
fn document<T>(input: &Object<'_>, read: impl Fn(&Value<'_>) -> Result<T, Rejection>) -> Result<T, Refusal> {
    match input.get("document") {
        Some(value) => Ok(read(value)?),
        None => Ok(read(&json::parse(&text(input)?, json::DOCUMENT_DEPTH)?)?),
    }
}

/// The bytes of the text under test.
fn text<'v>(input: &'v Object<'_>) -> Result<Cow<'v, [u8]>, Refusal> {
    match (input.get("text"), input.get("base64")) {
        (Some(Value::String(text)), None) => Ok(Cow::Borrowed(text.as_bytes())),
        (None, Some(Value::String(text))) => match BASE64_STANDARD.decode(text.as_bytes()) {
            Ok(bytes) => Ok(Cow::Owned(bytes)),
            Err(error) => Err(Refusal::Failed(format!("the member \"base64\" is not base64: {error}"))),
        },
        _ => Err(Refusal::Failed("the input has no document, text or base64".into())),
    }
}
