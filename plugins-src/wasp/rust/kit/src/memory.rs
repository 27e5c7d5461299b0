//! The memory contract: the host allocates what it hands in, and frees it together with all that it got.
//!
//! It tells a size when it frees, but of a string it may count the end or not. A Rust allocator must hear the size
//! that it was asked for, so every block remembers it in front of itself.
//!
//! The host of 0.0.8 writes the end of a string one byte too far: behind the block, and leaves what stood in its last
//! byte. So a block has a byte more than was asked for, and is cleared.

use alloc::alloc::{Layout, alloc_zeroed, dealloc};
use core::ptr;

use talc::wasm::{WasmDynamicTalc, new_wasm_dynamic_allocator};

#[global_allocator]
static ALLOCATOR: WasmDynamicTalc = new_wasm_dynamic_allocator();

/// As large as any alignment that a block needs, and larger than a size.
const HEADER: usize = 8;

const SPARE: usize = 1;

/// Allocates `size` bytes; 0 when there is no memory.
#[unsafe(no_mangle)]
pub extern "C" fn allocate(size: usize) -> *mut u8 {
    let Some(layout) = layout(size) else { return ptr::null_mut() };
    // Sound: the layout is larger than nothing, and the block larger than its header.
    unsafe {
        let block = alloc_zeroed(layout);
        if block.is_null() {
            return block;
        }
        block.cast::<usize>().write(size);
        block.add(HEADER)
    }
}

/// Takes a block back, whatever size it is said to have.
///
/// # Safety
/// `pointer` must be one that `allocate` answered and that was not taken back yet, or 0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn deallocate(pointer: *mut u8, _size: usize) {
    if pointer.is_null() {
        return;
    }
    unsafe {
        let block = pointer.sub(HEADER);
        if let Some(layout) = layout(block.cast::<usize>().read()) {
            dealloc(block, layout);
        }
    }
}

fn layout(size: usize) -> Option<Layout> {
    Layout::from_size_align(size.checked_add(HEADER + SPARE)?, HEADER).ok()
}
