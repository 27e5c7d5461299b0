//! Audit mark: notes in the context who asked for what and how it ended, and gives the provider the request's id.
//!
//! The header (`X-Audit-Id`, or the name in the configuration) carries the id that the gateway gave the request.
//! In the context: `audit_path` and `audit_client` from the HTTP request, `audit_model`, `audit_chunks` while an
//! answer streams, `audit_outcome`. It speaks revision r1b of the ABI, in which the hook for HTTP requests is
//! `http_intercept` and there is none for responses. Configuration, optional: `{"header": "X-Audit-Id"}`

use std::sync::{PoisonError, RwLock};

use plugin_kit::headers::{look_up, with_header};
use plugin_kit::text::{payload_members, string};
use plugin_kit::{Object, ObjectWriter, Refusal, answer, failure, input, run};

/// Set by `init`, only read after: nothing of a request stays in the instance.
static HEADER: RwLock<Option<String>> = RwLock::new(None);

const DEFAULT_HEADER: &str = "X-Audit-Id";

fn configure(header: Option<String>) {
    *HEADER.write().unwrap_or_else(PoisonError::into_inner) = header;
}

fn parse_config(config: &[u8]) -> Result<Option<String>, Refusal> {
    if config.is_empty() || config.trim_ascii() == b"null" {
        return Ok(None);
    }
    match Object::parse(config)?.string("header")? {
        Some(header) if header.is_empty() => Err("header is empty".to_owned()),
        header => Ok(header),
    }
}

#[unsafe(no_mangle)]
pub extern "C" fn get_name() -> u64 {
    answer("audit-mark")
}

/// # Safety
/// The host passes memory that it wrote; the same holds for every hook.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn init(config: *const u8, length: usize) -> i32 {
    match parse_config(unsafe { input(config, length) }) {
        Ok(header) => {
            configure(header);
            0
        }
        Err(_) => 1,
    }
}

#[unsafe(no_mangle)]
pub extern "C" fn cleanup() -> i32 {
    configure(None);
    0
}

/// # Safety
/// See [`init`].
#[unsafe(no_mangle)]
pub unsafe extern "C" fn http_intercept(pointer: *const u8, length: usize) -> u64 {
    run("error", unsafe { input(pointer, length) }, |call| {
        let request = call.object("request")?;
        let headers = request.object("headers")?;
        let changed = call.object("context")?.get("request_id").and_then(string).map(|id| {
            let header = HEADER.read().unwrap_or_else(PoisonError::into_inner);
            with_header(&request, &headers, header.as_deref().unwrap_or(DEFAULT_HEADER), &id)
        });
        let mut context = ObjectWriter::new();
        if let Some(path) = request.string("path")? {
            context = context.string("audit_path", &path);
        }
        if let Some(client) = look_up(&headers, "User-Agent") {
            context = context.string("audit_client", &client);
        }
        Ok(ObjectWriter::new()
            .raw("context", context.finish())
            .raw("request", changed.as_deref().unwrap_or(b"null"))
            .raw("response", "null")
            .flag("has_response", false)
            .string("error", "")
            .finish())
    })
}

/// # Safety
/// See [`init`].
#[unsafe(no_mangle)]
pub unsafe extern "C" fn http_stream_chunk_hook(pointer: *const u8, length: usize) -> u64 {
    run("error", unsafe { input(pointer, length) }, |call| {
        let chunk = call.get("chunk").ok_or("the chunk is missing")?;
        // The count travels in the context: another instance may get the next chunk.
        let before =
            call.object("context")?.typed("audit_chunks", "a number").ok().flatten().unwrap_or(0_u64);
        Ok(ObjectWriter::new()
            .raw("context", ObjectWriter::new().number("audit_chunks", before.saturating_add(1)).finish())
            .echo("chunk", Some(chunk))
            .flag("has_chunk", true)
            .flag("skip", false)
            .string("error", "")
            .finish())
    })
}

/// # Safety
/// See [`init`].
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pre_hook(pointer: *const u8, length: usize) -> u64 {
    run("error", unsafe { input(pointer, length) }, |call| {
        let models = payload_members(&call.object("request")?, "request", "model");
        let mut context = ObjectWriter::new();
        if let Some(model) = models.first().and_then(|model| string(model)) {
            context = context.string("audit_model", &model);
        }
        Ok(ObjectWriter::new()
            .raw("context", context.finish())
            .raw("request", "null")
            .raw("short_circuit", "null")
            .flag("has_short_circuit", false)
            .string("error", "")
            .finish())
    })
}

/// # Safety
/// See [`init`].
#[unsafe(no_mangle)]
pub unsafe extern "C" fn post_hook(pointer: *const u8, length: usize) -> u64 {
    run("hook_error", unsafe { input(pointer, length) }, |call| {
        call.object("response")?;
        let error = failure(call)?;
        let outcome = if error.is_some() { "error" } else { "answered" };
        Ok(ObjectWriter::new()
            .raw("context", ObjectWriter::new().string("audit_outcome", outcome).finish())
            .raw("response", "null")
            .raw("error", error.as_deref().unwrap_or("null"))
            .flag("has_error", error.is_some())
            .string("hook_error", "")
            .finish())
    })
}
