//! What every wasp plugin in Rust needs, and nothing of what any one of them does.
//!
//! - [`memory`]: the exports `allocate` and `deallocate`.
//! - [`values`]: strings and bytes, those that the host lends for a call and those that it gets to keep.
//! - [`raise`]: failing a call with a text.
//! - [`wasi`]: writing a line; a panic says on standard error what it was.
//!
//! There is no standard library: that of 1.95 is built with instructions that the host's default compiler lacks.

#![no_std]

extern crate alloc;

pub mod memory;
pub mod values;
pub mod wasi;

pub use values::{Bytes, BytesOut, Text, TextOut};

/// Fails the call with a text. The function runs on, and nobody reads what it returns.
///
/// It should hand out no block then, since nobody frees that either: [`TextOut::NONE`].
pub fn raise(text: impl AsRef<[u8]>) {
    #[link(wasm_import_module = "env")]
    unsafe extern "C" {
        safe fn raise_error(text: TextOut);
    }
    raise_error(TextOut::new(text));
}

#[panic_handler]
fn panic(why: &core::panic::PanicInfo<'_>) -> ! {
    wasi::write_line(wasi::STDERR, alloc::format!("{why}").as_bytes());
    core::arch::wasm32::unreachable()
}
