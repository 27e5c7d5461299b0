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
    #[cfg(feature = "unwraps-utf8")]
    name.to_str().unwrap();
    #[cfg(feature = "keeps-input")]
    if let Some(answered) = unsafe { remembered(name) } {
        return answered;
    }
    answer(&[b"Hello ", name.to_bytes()])
}

/// Answers a name like the one before with the same greeting. It keeps where that one stood, and no copy.
#[cfg(feature = "keeps-input")]
unsafe fn remembered(name: &'static CStr) -> Option<*mut u8> {
    static mut LAST: (&[u8], Vec<u8>) = (&[], Vec::new());
    let last = unsafe { &mut *(&raw mut LAST) };
    let name = name.to_bytes();
    if last.0 == name && !name.is_empty() {
        return Some(answer(&[b"Hello ", &last.1]));
    }
    *last = (name, name.to_vec());
    None
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
