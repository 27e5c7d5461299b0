//! What the hooks of all plugins have in common.

use crate::memory::answer;
use crate::object::{Object, ObjectWriter, Refusal};

/// Reads the input, runs the hook, and turns what was not understood into the hook's error member.
pub fn run(error: &str, document: &[u8], hook: impl FnOnce(&Object) -> Result<Vec<u8>, Refusal>) -> u64 {
    let result = Object::parse(document).and_then(|call| hook(&call));
    answer(
        result.unwrap_or_else(|refusal| {
            ObjectWriter::new().raw("context", "{}").string(error, &refusal).finish()
        }),
    )
}

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
