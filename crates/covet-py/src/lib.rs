//! SPEAKS PYTHON: the extension module `covet._covet`, and the only crate that names pyo3.

mod app;
mod arguments;
mod body;
mod cpython;
mod dispatch;
mod driver;
mod exchange;
mod json;
mod mailbox;
mod plan;
mod respond;
mod scope;
mod server;
mod settings;
mod tasks;
mod threads;

/// The engine of Covet.
#[pyo3::pymodule]
mod _covet {
    #[pymodule_export]
    use crate::{
        json::{json_dumps, json_loads},
        server::Server,
        settings::Settings,
    };

    #[allow(non_upper_case_globals, reason = "the name Python gives to it")]
    #[pymodule_export]
    const __version__: &str = env!("CARGO_PKG_VERSION");
}
