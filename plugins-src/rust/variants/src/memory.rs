//! The memory contract, with the allocators that authors choose.

#[cfg(feature = "lists")]
#[global_allocator]
static ALLOCATOR: lol_alloc::AssumeSingleThreaded<lol_alloc::FreeListAllocator> =
    unsafe { lol_alloc::AssumeSingleThreaded::new(lol_alloc::FreeListAllocator::new()) };

#[cfg(feature = "talc")]
#[global_allocator]
static ALLOCATOR: talc::wasm::WasmDynamicTalc = talc::wasm::new_wasm_dynamic_allocator();

use blocks::{give, take};

/// Blocks of the global allocator, which is told their size.
#[cfg(not(any(feature = "arena", feature = "free-by-header", feature = "vectors", feature = "guesses-size")))]
mod blocks {
    use std::alloc::{Layout, alloc, dealloc};

    pub fn take(size: usize) -> *mut u8 {
        Layout::array::<u8>(size).map_or(std::ptr::null_mut(), |layout| unsafe { alloc(layout) })
    }

    #[cfg(not(feature = "free-does-nothing"))]
    pub unsafe fn give(pointer: *mut u8, size: usize) {
        if let Ok(layout) = Layout::array::<u8>(size) {
            unsafe { dealloc(pointer, layout) };
        }
    }

    #[cfg(feature = "free-does-nothing")]
    pub unsafe fn give(_pointer: *mut u8, _size: usize) {
        let _ = dealloc;
    }
}

/// Vectors that are forgotten, and put together again to be dropped.
#[cfg(any(feature = "vectors", feature = "guesses-size"))]
mod blocks {
    pub fn take(size: usize) -> *mut u8 {
        let mut block = Vec::<u8>::with_capacity(size);
        let pointer = block.as_mut_ptr();
        std::mem::forget(block);
        pointer
    }

    pub unsafe fn give(pointer: *mut u8, size: usize) {
        drop(unsafe { Vec::from_raw_parts(pointer, 0, size) });
    }
}

/// Blocks that remember their size in front of themselves.
#[cfg(feature = "free-by-header")]
mod blocks {
    use std::alloc::{Layout, alloc, dealloc};

    const HEADER: usize = 8;

    fn layout(size: usize) -> Option<Layout> {
        Layout::from_size_align(size.checked_add(HEADER)?, HEADER).ok()
    }

    pub fn take(size: usize) -> *mut u8 {
        let Some(layout) = layout(size) else { return std::ptr::null_mut() };
        unsafe {
            let block = alloc(layout);
            if block.is_null() {
                return block;
            }
            block.cast::<usize>().write(size);
            block.add(HEADER)
        }
    }

    pub unsafe fn give(pointer: *mut u8, _size: usize) {
        unsafe {
            let block = pointer.sub(HEADER);
            if let Some(layout) = layout(block.cast::<usize>().read()) {
                dealloc(block, layout);
            }
        }
    }
}

/// One static block for all that the host gets, empty again as soon as the host has given back everything.
#[cfg(feature = "arena")]
mod blocks {
    use std::cell::UnsafeCell;
    use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

    #[cfg(not(feature = "small-arena"))]
    const SIZE: usize = 16 << 20;
    #[cfg(feature = "small-arena")]
    const SIZE: usize = 512 << 10;

    #[repr(align(16))]
    struct Arena(UnsafeCell<[u8; SIZE]>);

    // An instance has one thread.
    unsafe impl Sync for Arena {}

    static ARENA: Arena = Arena(UnsafeCell::new([0; SIZE]));
    static USED: AtomicUsize = AtomicUsize::new(0);
    static LIVE: AtomicUsize = AtomicUsize::new(0);

    pub fn take(size: usize) -> *mut u8 {
        let start = USED.load(Relaxed);
        if size > SIZE - start {
            return std::ptr::null_mut();
        }
        USED.store((start + size).next_multiple_of(16).min(SIZE), Relaxed);
        LIVE.fetch_add(1, Relaxed);
        unsafe { ARENA.0.get().cast::<u8>().add(start) }
    }

    pub unsafe fn give(_pointer: *mut u8, _size: usize) {
        if LIVE.fetch_sub(1, Relaxed) == 1 {
            USED.store(0, Relaxed);
        }
    }
}

#[cfg_attr(feature = "r0", unsafe(export_name = "plugin_malloc"))]
#[cfg_attr(not(feature = "r0"), unsafe(export_name = "malloc"))]
pub extern "C" fn allocate(size: usize) -> *mut u8 {
    if size == 0 { std::ptr::null_mut() } else { take(size) }
}

/// # Safety
/// The pointer is one that `allocate` or a hook answered.
#[cfg(any(feature = "arena", feature = "free-by-header", feature = "guesses-size"))]
#[cfg_attr(feature = "r0", unsafe(export_name = "plugin_free"))]
#[cfg_attr(not(feature = "r0"), unsafe(export_name = "free"))]
pub unsafe extern "C" fn release(pointer: *mut u8) {
    if !pointer.is_null() {
        // With `guesses-size` this is the fault: what came from the host has the size that the host asked for.
        unsafe { give(pointer, 1024) };
    }
}

/// # Safety
/// The pointer is one that `allocate` or a hook answered, and the size is its own.
#[cfg(not(any(feature = "arena", feature = "free-by-header", feature = "guesses-size")))]
#[cfg_attr(feature = "r0", unsafe(export_name = "plugin_free"))]
#[cfg_attr(not(feature = "r0"), unsafe(export_name = "free"))]
pub unsafe extern "C" fn release(pointer: *mut u8, size: usize) {
    if !pointer.is_null() && size > 0 {
        unsafe { give(pointer, size) };
    }
}

/// The bytes of a document. They are the host's again after the call, but nothing makes a caller mind that.
pub unsafe fn view<'any>(pointer: *const u8, length: usize) -> &'any [u8] {
    if length == 0 { &[] } else { unsafe { std::slice::from_raw_parts(pointer, length) } }
}

#[cfg(not(feature = "takes-input"))]
pub use view as input;

/// The bytes of a document that a hook got, which are not this vector's to own.
#[cfg(feature = "takes-input")]
pub unsafe fn input(pointer: *const u8, length: usize) -> Vec<u8> {
    if length == 0 { Vec::new() } else { unsafe { Vec::from_raw_parts(pointer.cast_mut(), length, length) } }
}

fn pack(pointer: *const u8, length: usize) -> u64 {
    ((pointer as usize as u64) << 32) | length as u64
}

/// Hands a text to the host, in a block of its own.
#[cfg(not(any(feature = "drops-result", feature = "forgets-capacity", feature = "keeps-result")))]
pub fn answer(text: String) -> u64 {
    let block = take(text.len());
    if block.is_null() {
        return 0;
    }
    unsafe { block.copy_from_nonoverlapping(text.as_ptr(), text.len()) };
    pack(block, text.len())
}

/// Hands a text to the host, and lets go of it.
#[cfg(feature = "drops-result")]
pub fn answer(text: String) -> u64 {
    pack(text.as_ptr(), text.len())
}

/// Hands a text to the host, which frees as much as it is long, and not what the string had reserved.
#[cfg(feature = "forgets-capacity")]
pub fn answer(text: String) -> u64 {
    let text = std::mem::ManuallyDrop::new(text);
    pack(text.as_ptr(), text.len())
}

/// Hands a text to the host, and keeps it until there is another: the host frees it too.
#[cfg(feature = "keeps-result")]
pub fn answer(mut text: String) -> u64 {
    static RESULT: std::sync::RwLock<String> = std::sync::RwLock::new(String::new());
    let mut kept = RESULT.write().unwrap_or_else(std::sync::PoisonError::into_inner);
    text.shrink_to_fit();
    *kept = text;
    pack(kept.as_ptr(), kept.len())
}
