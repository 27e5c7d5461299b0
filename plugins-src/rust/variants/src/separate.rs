//! The hooks of r0, which get each document by itself.

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::inputs::HttpRequest;
use crate::kept;
use crate::memory::{answer, input};

#[derive(Default, Serialize)]
struct Answer<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    request: Option<&'a RawValue>,
    #[serde(skip_serializing_if = "Option::is_none")]
    response: Option<&'a RawValue>,
    #[serde(skip_serializing_if = "Option::is_none")]
    bifrost_error: Option<&'a RawValue>,
    error: String,
}

fn read<'a, Document: Deserialize<'a>>(document: &'a [u8]) -> Result<Document, String> {
    serde_json::from_slice(document).map_err(|cause| format!("cannot read the input: {cause}"))
}

/// A document that is there: null and `{}` stand for none.
fn optional(document: &[u8]) -> Result<Option<&RawValue>, String> {
    Ok(read::<Option<&RawValue>>(document)?.filter(|value| value.get() != "{}"))
}

fn run<'a>(hook: impl FnOnce() -> Result<Answer<'a>, String>) -> u64 {
    let result = kept::tag().and_then(|_| hook());
    let result = result.unwrap_or_else(|error| Answer { error, ..Answer::default() });
    answer(serde_json::to_string(&result).unwrap_or_default())
}

/// # Safety
/// See [`crate::init`].
#[unsafe(no_mangle)]
pub unsafe extern "C" fn http_transport_intercept(
    _context: *const u8,
    _context_length: usize,
    request: *const u8,
    request_length: usize,
) -> u64 {
    let request = unsafe { input(request, request_length) };
    run(|| {
        let request: HttpRequest = read(&request)?;
        let _ = request.headers;
        Ok(Answer::default())
    })
}

/// # Safety
/// See [`crate::init`].
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pre_hook(
    _context: *const u8,
    _context_length: usize,
    request: *const u8,
    request_length: usize,
) -> u64 {
    let request = unsafe { input(request, request_length) };
    run(|| Ok(Answer { request: Some(read(&request)?), ..Answer::default() }))
}

/// # Safety
/// See [`crate::init`].
#[unsafe(no_mangle)]
pub unsafe extern "C" fn post_hook(
    _context: *const u8,
    _context_length: usize,
    response: *const u8,
    response_length: usize,
    error: *const u8,
    error_length: usize,
) -> u64 {
    let (response, error) = unsafe { (input(response, response_length), input(error, error_length)) };
    run(|| {
        let (response, bifrost_error) = (optional(&response)?, optional(&error)?);
        Ok(Answer { response, bifrost_error, ..Answer::default() })
    })
}
