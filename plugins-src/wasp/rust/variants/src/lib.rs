//! The functions of the original samples. A feature picks an allocator or one fault.

#![no_std]

extern crate alloc;

mod memory;

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::ffi::{CStr, c_char};

use memory::{answer, bytes, text};

#[link(wasm_import_module = "env")]
unsafe extern "C" {
    fn call_me(name: *mut u8) -> *mut c_char;
    fn raise_error(text: *mut u8);
}

#[link(wasm_import_module = "wasi_snapshot_preview1")]
unsafe extern "C" {
    fn proc_exit(code: u32) -> !;
}

#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    unsafe { proc_exit(101) }
}

#[unsafe(no_mangle)]
pub extern "C" fn sum(a: i32, b: i32) -> i32 {
    a.wrapping_add(b)
}

/// # Safety
/// The name is a string of the host's.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hello(name: *mut c_char) -> *mut u8 {
    let name = unsafe { text(name) };
    let name = name.to_bytes();
    #[cfg(feature = "cuts-text")]
    core::str::from_utf8(name).map(|name| name.split_at(name.len().min(9))).unwrap_or_default();
    #[cfg(feature = "keeps-input")]
    let name = unsafe { interned(name) };
    answer(&[b"Hello ", name])
}

/// The last name once more, if it is that one by its hash. It is kept where the host wrote it, and not copied.
#[cfg(feature = "keeps-input")]
unsafe fn interned(name: &'static [u8]) -> &'static [u8] {
    static mut LAST: (u32, &[u8]) = (0, &[]);
    let hash =
        name.iter().fold(0x811c_9dc5_u32, |hash, byte| (hash ^ u32::from(*byte)).wrapping_mul(0x0100_0193));
    unsafe {
        if LAST.0 != hash {
            LAST = (hash, name);
        }
        LAST.1
    }
}

/// # Safety
/// The pointer is that of bytes of the host's.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn reverse(pointer: *mut u8) -> *mut u8 {
    let bytes = unsafe { bytes(pointer) };
    let (length, values) = bytes.split_at(4);
    let mut reversed = Vec::with_capacity(bytes.len());
    reversed.extend_from_slice(length);
    reversed.extend(values.iter().rev());
    Box::leak(reversed.into_boxed_slice()).as_mut_ptr()
}

#[unsafe(no_mangle)]
pub extern "C" fn callback() -> *mut u8 {
    let answered = unsafe { CStr::from_ptr(call_me(answer(&[b"Nic"]))) };
    answer(&[answered.to_bytes()])
}

#[unsafe(no_mangle)]
pub extern "C" fn fail() {
    unsafe { raise_error(answer(&[b"Oops"])) };
}
