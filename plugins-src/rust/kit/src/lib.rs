//! What every Bifrost plugin in Rust needs, and nothing of what any one of them does.
//!
//! - [`memory`]: the exports `malloc` and `free(ptr, size)`, reading inputs, handing results to the host.
//! - [`object`]: JSON objects whose members stay as they were written, so that what a plugin does not know
//!   passes through it untouched; and a writer for the answers.
//! - [`hook`]: what all hooks do around their own work.
//! - [`headers`]: HTTP headers in any case.
//! - [`text`]: the words inside JSON strings, bodies and messages.

pub mod headers;
pub mod hook;
pub mod memory;
pub mod object;
pub mod text;

pub use hook::{failure, run};
pub use memory::{answer, input};
pub use object::{Object, ObjectWriter, Refusal};
