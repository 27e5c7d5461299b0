//! HTTP headers, which the gateway hands on in the spelling of the client.

use crate::object::{Object, ObjectWriter};
use crate::text::string;

/// The value of a header, whatever the case of its name.
pub fn look_up(headers: &Object, name: &str) -> Option<String> {
    let (_, value) = headers.members().find(|(key, _)| key.eq_ignore_ascii_case(name))?;
    string(value)
}

/// The request with one header set, under the spelling that it has already. All else, the body and members
/// that no document names among it, stays as it came.
pub fn with_header(request: &Object, headers: &Object, name: &str, value: &str) -> Vec<u8> {
    let mut spelling = name;
    let mut changed = ObjectWriter::new();
    for (key, kept) in headers.members() {
        if key.eq_ignore_ascii_case(name) {
            spelling = key;
        } else {
            changed = changed.raw(key, kept.get());
        }
    }
    let changed = changed.string(spelling, value).finish();
    let rest = request.members().filter(|(key, _)| *key != "headers");
    rest.fold(ObjectWriter::new(), |writer, (key, kept)| writer.raw(key, kept.get()))
        .raw("headers", changed)
        .finish()
}
