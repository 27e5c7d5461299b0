//! The hooks of r1, r1b and r2, which get one document each.

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::inputs::{Call, Headers, HttpRequest, LlmRequest, Outcome};
use crate::kept;
use crate::memory::{answer, input};

#[derive(Default, Serialize)]
struct Answer<'a> {
    context: Note,
    #[serde(skip_serializing_if = "Option::is_none")]
    chunk: Option<Chunk<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    response: Option<&'a RawValue>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<&'a RawValue>,
    has_chunk: bool,
    has_error: bool,
}

#[cfg(not(feature = "chunk-is-text"))]
type Chunk<'a> = &'a RawValue;
#[cfg(feature = "chunk-is-text")]
type Chunk<'a> = String;

/// What a hook adds to the context.
#[derive(Default, Serialize)]
struct Note {
    #[serde(skip_serializing_if = "Option::is_none")]
    tag: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    client: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    model: Option<Box<RawValue>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pieces: Option<usize>,
}

/// Reads the input, and answers what the hook makes of it, or why it could not be read.
fn run<'a, Input: Deserialize<'a>>(
    error: &str,
    document: &'a [u8],
    hook: impl FnOnce(Input, &mut Note) -> Answer<'a>,
) -> u64 {
    #[cfg(feature = "keeps-history")]
    kept::HISTORY.get().push(document.to_vec());
    answer(respond(document, hook).unwrap_or_else(|cause| {
        let text = serde_json::to_string(&format!("cannot read the input: {cause}")).unwrap_or_default();
        format!(r#"{{"context":{{}},"{error}":{text}}}"#)
    }))
}

fn respond<'a, Input: Deserialize<'a>>(
    document: &'a [u8],
    hook: impl FnOnce(Input, &mut Note) -> Answer<'a>,
) -> Result<String, String> {
    #[cfg(not(feature = "unwraps"))]
    let call: Input = serde_json::from_slice(document).map_err(|cause| cause.to_string())?;
    #[cfg(feature = "unwraps")]
    let call: Input = serde_json::from_slice(document).unwrap();
    let mut context = Note { tag: kept::tag()?, ..Note::default() };
    let result = hook(call, &mut context);
    serde_json::to_string(&Answer { context, ..result }).map_err(|cause| cause.to_string())
}

/// The client's name, whatever case the header's name has.
fn client(headers: &Headers) -> Option<String> {
    #[cfg(not(feature = "wants-headers"))]
    let headers = headers.as_ref()?;
    #[cfg(not(feature = "lower-case-headers"))]
    let found = headers.iter().find(|(name, _)| name.eq_ignore_ascii_case("user-agent")).map(|(_, value)| value);
    #[cfg(feature = "lower-case-headers")]
    let found = headers.get("user-agent");
    found.map(|value| value.to_string())
}

/// How many pieces of four letters a text is cut into: a guess at its tokens.
#[cfg(not(feature = "cuts-text"))]
fn pieces(text: &str) -> usize {
    text.chars().count().div_ceil(4)
}

/// The same for letters of one byte.
#[cfg(feature = "cuts-text")]
fn pieces(text: &str) -> usize {
    let mut count = 1;
    let mut rest = text;
    while rest.len() > 4 {
        rest = &rest[4..];
        count += 1;
    }
    count
}

/// # Safety
/// See [`crate::init`].
#[cfg_attr(feature = "r2", unsafe(export_name = "http_pre_hook"))]
#[cfg_attr(not(feature = "r2"), unsafe(export_name = "http_intercept"))]
pub unsafe extern "C" fn http_pre_hook(pointer: *const u8, length: usize) -> u64 {
    let document = unsafe { input(pointer, length) };
    #[cfg(feature = "keeps-input")]
    if kept::LAST.get().0 == document {
        return answer(kept::LAST.get().1.clone());
    }
    run("error", &document, |call: Call<HttpRequest>, context| {
        #[cfg(not(feature = "keeps-first-id"))]
        let id = |id: &str| id.to_owned();
        #[cfg(feature = "keeps-first-id")]
        let id = kept::first_id;
        context.id = call.context.request_id.as_deref().map(id);
        context.client = client(&call.request.headers);
        #[cfg(feature = "keeps-input")]
        {
            let text = format!(r#"{{"context":{}}}"#, serde_json::to_string(context).unwrap_or_default());
            *kept::LAST.get() = (unsafe { input(pointer, length) }, text);
        }
        Answer::default()
    })
}

/// # Safety
/// See [`crate::init`].
#[cfg(feature = "r2")]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn http_post_hook(pointer: *const u8, length: usize) -> u64 {
    let document = unsafe { input(pointer, length) };
    run("error", &document, |call: Call<HttpRequest>, context| {
        context.status = call.response.and_then(|response| response.status_code);
        Answer::default()
    })
}

/// # Safety
/// See [`crate::init`].
#[cfg(any(feature = "r1b", feature = "r2"))]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn http_stream_chunk_hook(pointer: *const u8, length: usize) -> u64 {
    let document = unsafe { input(pointer, length) };
    run("error", &document, |call: Call<HttpRequest>, _| Answer {
        has_chunk: call.chunk.is_some(),
        chunk: call.chunk,
        ..Answer::default()
    })
}

/// # Safety
/// See [`crate::init`].
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pre_hook(pointer: *const u8, length: usize) -> u64 {
    let document = unsafe { input(pointer, length) };
    run("error", &document, |call: Call<LlmRequest>, context| {
        let messages = call.request.input.unwrap_or_default();
        #[cfg(not(feature = "first-message"))]
        let first = messages.first();
        #[cfg(feature = "first-message")]
        let first = Some(&messages[0]);
        context.pieces = first.map(|message| pieces(message.get()));
        context.model = call.request.model.map(ToOwned::to_owned);
        #[cfg(feature = "keeps-model")]
        if let Some(model) = call.request.model {
            *kept::MODEL.get() = unsafe { std::mem::transmute::<&str, &'static str>(model.get()) };
        }
        Answer::default()
    })
}

/// # Safety
/// See [`crate::init`].
#[unsafe(no_mangle)]
pub unsafe extern "C" fn post_hook(pointer: *const u8, length: usize) -> u64 {
    let document = unsafe { input(pointer, length) };
    run("hook_error", &document, |outcome: Outcome, context| {
        #[cfg(feature = "keeps-model")]
        {
            context.client = Some(kept::MODEL.get().to_string());
        }
        #[cfg(not(feature = "keeps-model"))]
        let _ = context;
        #[cfg(feature = "wants-error")]
        let error = Some(outcome.error);
        #[cfg(not(feature = "wants-error"))]
        let error = outcome.error;
        Answer {
            response: outcome.response.filter(|response| response.get() != "{}"),
            error: error.filter(|_| outcome.has_error),
            has_error: outcome.has_error,
            ..Answer::default()
        }
    })
}
