//! The memory contract: who allocates, who frees.
//!
//! The host allocates inputs with `malloc` and frees them. Results are allocated here, from the same
//! allocator, and the host frees them too, with the length that the packed result told it.

use std::alloc::{Layout, alloc, dealloc};
use std::ptr;

/// JSON is bytes: no buffer needs an alignment.
const ALIGN: usize = 1;

/// Allocates `size` bytes; 0 when there is no memory, or nothing to allocate.
#[unsafe(no_mangle)]
pub extern "C" fn malloc(size: usize) -> *mut u8 {
    match Layout::from_size_align(size, ALIGN) {
        // A layout of no size is undefined behaviour for the allocator.
        Ok(layout) if size > 0 => unsafe { alloc(layout) },
        _ => ptr::null_mut(),
    }
}

/// Frees `size` bytes at `pointer`, as `malloc` or a hook returned them.
///
/// # Safety
/// `pointer` and `size` must be those of a live buffer of this module, or either may be 0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn free(pointer: *mut u8, size: usize) {
    if pointer.is_null() || size == 0 {
        return;
    }
    if let Ok(layout) = Layout::from_size_align(size, ALIGN) {
        unsafe { dealloc(pointer, layout) };
    }
}

/// The bytes that the host wrote for this call. They live only until the call returns: copy what must stay.
///
/// # Safety
/// `pointer` and `length` must describe memory that stays untouched for the time of the call.
pub unsafe fn input<'call>(pointer: *const u8, length: usize) -> &'call [u8] {
    if pointer.is_null() || length == 0 {
        return &[];
    }
    unsafe { std::slice::from_raw_parts(pointer, length) }
}

/// Hands a result to the host: pointer in the upper, length in the lower 32 bits. The host frees it.
pub fn answer(result: impl Into<Vec<u8>>) -> u64 {
    // A boxed slice has exactly the size that the host will free; a vector may hold more.
    let bytes: Box<[u8]> = result.into().into_boxed_slice();
    let length = bytes.len() as u64;
    let pointer = Box::into_raw(bytes).cast::<u8>() as usize as u64;
    (pointer << 32) | length
}
