//! Greeter: what a wasp plugin can do, one small function for each kind of value, in Rust.

#![no_std]

extern crate alloc;

use alloc::vec::Vec;
use core::sync::atomic::{AtomicI32, Ordering::Relaxed};

use wasp::{Bytes, BytesOut, Text, TextOut, raise, wasi};

/// What repeat makes at most, in bytes.
const LONGEST: u64 = 1 << 20;

#[link(wasm_import_module = "env")]
unsafe extern "C" {
    safe fn call_me<'call>(name: TextOut) -> Text<'call>;
}

#[unsafe(no_mangle)]
pub extern "C" fn sum(a: i32, b: i32) -> i32 {
    a.wrapping_add(b)
}

#[unsafe(no_mangle)]
pub extern "C" fn hello(name: Text<'_>) -> TextOut {
    TextOut::new([b"Hello ", name.bytes()].concat())
}

#[unsafe(no_mangle)]
pub extern "C" fn reverse(bytes: Bytes<'_>) -> BytesOut {
    BytesOut::new(bytes.bytes().iter().rev().copied().collect::<Vec<u8>>())
}

#[unsafe(no_mangle)]
pub extern "C" fn echo(text: Text<'_>) -> TextOut {
    TextOut::new(text.bytes())
}

#[unsafe(no_mangle)]
pub extern "C" fn echo_bytes(bytes: Bytes<'_>) -> BytesOut {
    BytesOut::new(bytes.bytes())
}

#[unsafe(no_mangle)]
pub extern "C" fn repeat(text: Text<'_>, times: i32) -> TextOut {
    let text = text.bytes();
    let times = times.max(0) as usize;
    if text.len() as u64 * times as u64 > LONGEST {
        raise("repeat: too long");
        return TextOut::NONE;
    }
    TextOut::new(text.repeat(times))
}

#[unsafe(no_mangle)]
pub extern "C" fn word_count(text: Text<'_>) -> i32 {
    let space = |byte: &u8| matches!(byte, b' ' | b'\t'..=b'\r');
    text.bytes().split(space).filter(|word| !word.is_empty()).count() as i32
}

#[unsafe(no_mangle)]
pub extern "C" fn percent(part: i64, whole: f64) -> i32 {
    let value = part as f64 * 100.0 / whole;
    if !(value > -2147483649.0 && value < 2147483648.0) {
        raise("percent: no such number");
        return 0;
    }
    value as i32
}

/// Each instance counts for itself.
static CALLS: AtomicI32 = AtomicI32::new(0);

#[unsafe(no_mangle)]
pub extern "C" fn count() -> i32 {
    CALLS.fetch_add(1, Relaxed).wrapping_add(1)
}

/// What the host answers to a callback is the host's as well: it gets a copy back.
#[unsafe(no_mangle)]
pub extern "C" fn greet(name: Text<'_>) -> TextOut {
    TextOut::new(call_me(TextOut::new(name.bytes())).bytes())
}

#[unsafe(no_mangle)]
pub extern "C" fn callback() -> TextOut {
    TextOut::new(call_me(TextOut::new("Nic")).bytes())
}

#[unsafe(no_mangle)]
pub extern "C" fn fail() {
    raise("Oops");
}

#[unsafe(no_mangle)]
pub extern "C" fn fail_with(text: Text<'_>) {
    raise(text.bytes());
}

/// Writes a line, where the host lets its plugins write.
#[unsafe(no_mangle)]
pub extern "C" fn say(text: Text<'_>) {
    wasi::write_line(wasi::STDOUT, text.bytes());
}
