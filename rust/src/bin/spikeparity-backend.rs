//! The backend as a program of its own: answers requests on standard input and output.
#![forbid(unsafe_code)]

use std::io;
use std::process::ExitCode;

fn main() -> ExitCode {
    match spikeparity::backend::serve(io::stdin().lock(), io::stdout().lock()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("spikeparity-backend: {error}");
            ExitCode::FAILURE
        }
    }
}
