//! What every Bifrost plugin in Rust needs, and nothing of what any one of them does.
//!
//! - [`memory`]: the exports `malloc` and `free(ptr, size)`, reading inputs, handing results to the host.
//! - [`object`]: JSON objects whose members stay as they were written, so that what a plugin does not know
//!   passes through it untouched; and a writer for the answers.
//! - [`text`]: the words inside JSON strings, bodies and messages.

pub mod memory;
pub mod object;
pub mod text;

pub use memory::{answer, input};
pub use object::{Object, ObjectWriter, Refusal};

/// The error that a `post_hook` must keep: none, or the object as it came.
///
/// The flag decides. Where it is set and the object is missing, one is made, so that the flag is never lost.
pub fn failure(call: &Object) -> Result<Option<String>, Refusal> {
    if !call.flag("has_error")? {
        return Ok(None);
    }
    if call.object("error")?.is_empty() {
        return Ok(Some(r#"{"is_bifrost_error":true,"error":{"message":"unknown error"}}"#.to_owned()));
    }
    Ok(call.get("error").map(|error| error.get().to_owned()))
}
