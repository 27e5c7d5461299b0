//! Word guard: refuses requests that hold a blocked word, and drops such chunks of a streamed answer.
//!
//! A blocked word ends the request with 403, in the HTTP body as well as in the messages for the model. A
//! chunk that holds one is dropped. `word_guard` in the context tells later plugins what was found, and
//! `word_guard_dropped` counts the chunks. Configuration, every member optional:
//!
//! `{"blocked_words": ["secret project"], "message": "Not allowed here."}`
//!
//! Without a list it keeps private keys from leaving the house.

mod words;

use std::sync::{PoisonError, RwLock};

use plugin_kit::text::{body, encode, payload_members};
use plugin_kit::{Object, ObjectWriter, Refusal, answer, failure, input, run};
use words::BlockedWords;

/// Set by `init`, only read after: nothing of a request stays in the instance.
static SETTINGS: RwLock<Option<Settings>> = RwLock::new(None);

struct Settings {
    blocked: BlockedWords,
    message: String,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            blocked: BlockedWords::new(&["-----BEGIN PRIVATE KEY-----", "-----BEGIN RSA PRIVATE KEY-----"]),
            message: "The request holds a blocked word.".to_owned(),
        }
    }
}

impl Settings {
    fn parse(config: &[u8]) -> Result<Self, Refusal> {
        let mut settings = Self::default();
        if config.is_empty() || config.trim_ascii() == b"null" {
            return Ok(settings);
        }
        let config = Object::parse(config)?;
        if let Some(words) = config.typed::<Vec<String>>("blocked_words", "a list of strings")? {
            if words.iter().any(String::is_empty) {
                return Err("blocked_words holds an empty string".to_owned());
            }
            settings.blocked = BlockedWords::new(&words);
        }
        if let Some(message) = config.string("message")? {
            settings.message = message;
        }
        Ok(settings)
    }
}

fn with_settings<T>(work: impl FnOnce(&Settings) -> T) -> T {
    let settings = SETTINGS.read().unwrap_or_else(PoisonError::into_inner);
    match settings.as_ref() {
        Some(settings) => work(settings),
        None => work(&Settings::default()),
    }
}

#[unsafe(no_mangle)]
pub extern "C" fn get_name() -> u64 {
    answer("word-guard")
}

/// # Safety
/// The host passes memory that it wrote; the same holds for every hook.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn init(config: *const u8, length: usize) -> i32 {
    match Settings::parse(unsafe { input(config, length) }) {
        Ok(settings) => {
            *SETTINGS.write().unwrap_or_else(PoisonError::into_inner) = Some(settings);
            0
        }
        Err(_) => 1,
    }
}

#[unsafe(no_mangle)]
pub extern "C" fn cleanup() -> i32 {
    *SETTINGS.write().unwrap_or_else(PoisonError::into_inner) = None;
    0
}

/// # Safety
/// See [`init`].
#[unsafe(no_mangle)]
pub unsafe extern "C" fn http_pre_hook(pointer: *const u8, length: usize) -> u64 {
    run("error", unsafe { input(pointer, length) }, |call| {
        let body = body(&call.object("request")?)?;
        with_settings(|settings| {
            let blocked = settings.blocked.in_body(&body);
            let response = blocked.then(|| refusal_response(&settings.message));
            Ok(ObjectWriter::new()
                .raw("context", verdict(blocked))
                .raw("request", "null")
                .raw("response", response.as_deref().unwrap_or(b"null"))
                .flag("has_response", blocked)
                .string("error", "")
                .finish())
        })
    })
}

/// # Safety
/// See [`init`].
#[unsafe(no_mangle)]
pub unsafe extern "C" fn http_post_hook(pointer: *const u8, length: usize) -> u64 {
    run("error", unsafe { input(pointer, length) }, |call| {
        let body = body(&call.object("response")?)?;
        let blocked = with_settings(|settings| settings.blocked.in_body(&body));
        Ok(ObjectWriter::new().raw("context", verdict(blocked)).string("error", "").finish())
    })
}

/// # Safety
/// See [`init`].
#[unsafe(no_mangle)]
pub unsafe extern "C" fn http_stream_chunk_hook(pointer: *const u8, length: usize) -> u64 {
    run("error", unsafe { input(pointer, length) }, |call| {
        let chunk = call.get("chunk").ok_or("the chunk is missing")?;
        let blocked = with_settings(|settings| settings.blocked.in_json(chunk.get().as_bytes()));
        let context = if blocked {
            // The count travels in the context: another instance may get the next chunk.
            let dropped = call.object("context")?.typed("word_guard_dropped", "a number").ok().flatten();
            ObjectWriter::new()
                .number("word_guard_dropped", dropped.unwrap_or(0_u64).saturating_add(1))
                .finish()
        } else {
            ObjectWriter::new().finish()
        };
        Ok(ObjectWriter::new()
            .raw("context", context)
            .echo("chunk", (!blocked).then_some(chunk))
            .flag("has_chunk", !blocked)
            .flag("skip", blocked)
            .string("error", "")
            .finish())
    })
}

/// # Safety
/// See [`init`].
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pre_hook(pointer: *const u8, length: usize) -> u64 {
    run("error", unsafe { input(pointer, length) }, |call| {
        let messages = payload_members(&call.object("request")?, "request", "input");
        with_settings(|settings| {
            let blocked = messages.iter().any(|text| settings.blocked.in_json(text.get().as_bytes()));
            let answer = blocked.then(|| refusal_error(&settings.message));
            Ok(ObjectWriter::new()
                .raw("context", verdict(blocked))
                .raw("request", "null")
                .raw("short_circuit", answer.as_deref().unwrap_or(b"null"))
                .flag("has_short_circuit", blocked)
                .string("error", "")
                .finish())
        })
    })
}

/// # Safety
/// See [`init`].
#[unsafe(no_mangle)]
pub unsafe extern "C" fn post_hook(pointer: *const u8, length: usize) -> u64 {
    run("hook_error", unsafe { input(pointer, length) }, |call| {
        let choices = payload_members(&call.object("response")?, "response", "choices");
        let blocked = with_settings(|settings| {
            choices.iter().any(|text| settings.blocked.in_json(text.get().as_bytes()))
        });
        let error = failure(call)?;
        Ok(ObjectWriter::new()
            .raw("context", verdict(blocked))
            .raw("response", "null")
            .raw("error", error.as_deref().unwrap_or("null"))
            .flag("has_error", error.is_some())
            .string("hook_error", "")
            .finish())
    })
}

fn verdict(blocked: bool) -> Vec<u8> {
    ObjectWriter::new().string("word_guard", if blocked { "blocked" } else { "passed" }).finish()
}

fn refusal(message: &str) -> Vec<u8> {
    ObjectWriter::new().string("type", "policy_violation").string("message", message).finish()
}

/// The answer to the HTTP client.
fn refusal_response(message: &str) -> Vec<u8> {
    let body = ObjectWriter::new().raw("error", refusal(message)).finish();
    ObjectWriter::new()
        .number("status_code", 403)
        .raw("headers", r#"{"Content-Type":"application/json"}"#)
        .string("body", &encode(&body))
        .finish()
}

/// The answer to the caller of the model. No fallback model may be asked what this one may not be.
fn refusal_error(message: &str) -> Vec<u8> {
    let error = ObjectWriter::new()
        .flag("is_bifrost_error", false)
        .number("status_code", 403)
        .raw("error", refusal(message))
        .flag("allow_fallbacks", false)
        .finish();
    ObjectWriter::new().raw("error", error).finish()
}
