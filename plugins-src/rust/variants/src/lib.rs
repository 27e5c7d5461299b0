//! Tag: writes the tag of its configuration, and what it was asked, into the context. `{"tag": "house"}`, optional.
//!
//! Without a fault it is what an author who knows serde would write. The features of `Cargo.toml` choose the
//! revision, the allocator, and at most one fault.

#![allow(dead_code, reason = "no revision and no fault uses all of it")]

mod inputs;
mod kept;
mod memory;

#[cfg(not(feature = "r0"))]
mod envelope;
#[cfg(feature = "r0")]
mod separate;

use memory::{answer, view};

#[unsafe(no_mangle)]
pub extern "C" fn get_name() -> u64 {
    answer("tag".to_owned())
}

/// # Safety
/// The host passes memory that it wrote; the same holds for every hook.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn init(config: *const u8, length: usize) -> i32 {
    i32::from(kept::configure(unsafe { view(config, length) }).is_err())
}

#[unsafe(no_mangle)]
pub extern "C" fn cleanup() -> i32 {
    0
}
