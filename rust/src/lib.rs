//! The Rust safety mirror of SpikeParity: validates checkpoints and transfer configs, simulates spiking neural
//! networks bit for bit in binary64 or binary32, reads and writes checkpoint pairs on disk, and answers requests over a
//! pipe.
//!
//! The normative texts are `semantics.md`, `networks.md`, `pairs.md` and `conversion.md` in `conformance/spec` of the project. A datum
//! that breaks one of their rules is answered with a [`Rejection`], which names the [`Rule`] and the place.
//!
//! ```
//! use spikeparity::checkpoint::Checkpoint;
//!
//! let mut checkpoint = Checkpoint::parse(br#"{"layer_names":["a"],"layer_sizes":[[2,1]],"weights":[[[0.5,0.25]]]}"#)?;
//! checkpoint.freeze(&["a"], None)?;
//! assert_eq!(checkpoint.frozen_layers().collect::<Vec<_>>(), ["a"]);
//! # Ok::<(), spikeparity::Rejection>(())
//! ```
#![deny(unsafe_code)]
#![deny(missing_docs)]

mod archive;
mod archive_writer;
pub mod avgpool2d;
pub mod backend;
mod block;
pub mod checkpoint;
pub mod conv2d;
pub mod dense;
mod events;
mod expect;
mod files;
pub mod fine_tune;
mod image;
mod input_rules;
pub mod json;
mod kernel;
pub mod matrix;
pub mod network;
mod network_rules;
pub mod normalize;
mod npy;
pub mod number;
mod operation;
pub mod pair;
mod pair_saving;
pub mod philox;
mod pointer;
#[cfg(feature = "python")]
mod python;
pub mod qcfs;
pub mod real;
mod reference;
mod rule;
pub mod shape;
mod shape_rules;
mod sidecar;
mod signal;
pub mod simd;
pub mod simulate;
mod stored_network;
mod writer;

pub use rule::{Rejection, Rule};
