//! The extension module `spikeparity._rust`: the only module that knows Python.

use std::io;

use pyo3::prelude::*;

use crate::backend;

/// The Rust safety mirror of SpikeParity.
#[pymodule(name = "_rust")]
mod extension {
    use super::*;

    /// Answer requests on standard input and output until a `bye` or the end of input, with the GIL released.
    ///
    /// Raises:
    ///     OSError: Reading or writing failed.
    #[pyfunction]
    fn serve(py: Python<'_>) -> PyResult<()> {
        Ok(py.detach(|| backend::serve(io::stdin().lock(), io::stdout().lock()))?)
    }
}
