//! The memory contract without a header in front of blocks: the host says how large a block is.
//!
//! That fits this system's own rules: a string is freed with its length and one more. `talc` forgives a size that is
//! less than that by a little, `lists` loses what it is not told.

use alloc::alloc::{Layout, alloc, dealloc};
use alloc::vec::Vec;
use core::ffi::{CStr, c_char};

#[cfg(feature = "lists")]
#[global_allocator]
static ALLOCATOR: lol_alloc::AssumeSingleThreaded<lol_alloc::FreeListAllocator> =
    unsafe { lol_alloc::AssumeSingleThreaded::new(lol_alloc::FreeListAllocator::new()) };

#[cfg(not(feature = "lists"))]
#[global_allocator]
static ALLOCATOR: talc::wasm::WasmDynamicTalc = talc::wasm::new_wasm_dynamic_allocator();

#[unsafe(no_mangle)]
pub extern "C" fn allocate(size: usize) -> *mut u8 {
    Layout::array::<u8>(size.max(1)).map_or(core::ptr::null_mut(), |layout| unsafe { alloc(layout) })
}

/// # Safety
/// The pointer is one that the host was given, and the size is its own.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn deallocate(pointer: *mut u8, size: usize) {
    // The fault of `guesses-size`: a vector may reserve as much as that, but not all blocks are vectors that grew.
    let size = if cfg!(feature = "guesses-size") { size.next_power_of_two() } else { size.max(1) };
    if let (false, Ok(layout)) = (pointer.is_null(), Layout::array::<u8>(size)) {
        unsafe { dealloc(pointer, layout) };
    }
}

/// # Safety
/// The pointer is that of a string that ends.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn get_string_size(text: *const c_char) -> usize {
    unsafe { CStr::from_ptr(text) }.count_bytes()
}

/// The bytes of a string that the host wrote.
#[cfg(not(feature = "takes-input"))]
pub unsafe fn text(pointer: *mut c_char) -> &'static CStr {
    unsafe { CStr::from_ptr(pointer) }
}

/// The string that the host wrote, which is not this one's to own.
#[cfg(feature = "takes-input")]
pub unsafe fn text(pointer: *mut c_char) -> alloc::ffi::CString {
    unsafe { alloc::ffi::CString::from_raw(pointer) }
}

/// The bytes that the host wrote, with their length in front.
#[cfg(not(feature = "takes-bytes"))]
pub unsafe fn bytes(pointer: *mut u8) -> &'static [u8] {
    unsafe { core::slice::from_raw_parts(pointer, 4 + pointer.cast::<u32>().read_unaligned() as usize) }
}

/// The bytes that the host wrote, with their length in front, which are not this vector's to own.
#[cfg(feature = "takes-bytes")]
pub unsafe fn bytes(pointer: *mut u8) -> Vec<u8> {
    let size = 4 + unsafe { pointer.cast::<u32>().read_unaligned() } as usize;
    unsafe { Vec::from_raw_parts(pointer, size, size) }
}

/// Hands a text to the host, in a block of just its size.
#[cfg(not(any(feature = "drops-result", feature = "forgets-capacity")))]
pub fn answer(parts: &[&[u8]]) -> *mut u8 {
    alloc::boxed::Box::leak(joined(parts).into_boxed_slice()).as_mut_ptr()
}

/// Hands a text to the host, which frees as much as it is long, and not what the vector had reserved.
#[cfg(feature = "forgets-capacity")]
pub fn answer(parts: &[&[u8]]) -> *mut u8 {
    core::mem::ManuallyDrop::new(joined(parts)).as_mut_ptr()
}

/// Hands a text to the host, and lets go of it.
#[cfg(feature = "drops-result")]
pub fn answer(parts: &[&[u8]]) -> *mut u8 {
    joined(parts).as_mut_ptr()
}

fn joined(parts: &[&[u8]]) -> Vec<u8> {
    let mut text = Vec::new();
    // As `format!` does it: the room grows by doubling.
    parts.iter().for_each(|part| text.extend_from_slice(part));
    text.push(0);
    text
}
