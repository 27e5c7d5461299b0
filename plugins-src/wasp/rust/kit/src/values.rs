//! Strings and bytes, as an exported function or a callback takes and returns them: each is one pointer.
//!
//! [`Text`] and [`Bytes`] are the host's: they are read, and gone after the call. [`TextOut`] and [`BytesOut`] are
//! blocks of their own, which the host frees: results, arguments of callbacks, texts of errors.

use alloc::borrow::Cow;
use alloc::string::String;
use core::ffi::{CStr, c_char};
use core::marker::PhantomData;
use core::ptr;

use crate::memory::allocate;

/// A string of the host: it ends with a zero byte, and is UTF-8 by convention only.
#[repr(transparent)]
#[derive(Clone, Copy)]
pub struct Text<'call>(*const c_char, PhantomData<&'call CStr>);

impl<'call> Text<'call> {
    /// The string without its end, as it came.
    pub fn bytes(self) -> &'call [u8] {
        // Sound: the host hands in a string that ends, and leaves it alone until the call is over.
        unsafe { CStr::from_ptr(self.0) }.to_bytes()
    }

    /// The string as UTF-8, with marks in place of what is none.
    pub fn lossy(self) -> Cow<'call, str> {
        String::from_utf8_lossy(self.bytes())
    }
}

/// How many bytes a length takes in front of bytes. It is little-endian, and not aligned.
const LENGTH: usize = size_of::<u32>();

/// Bytes of the host.
#[repr(transparent)]
#[derive(Clone, Copy)]
pub struct Bytes<'call>(*const u8, PhantomData<&'call [u8]>);

impl<'call> Bytes<'call> {
    /// The bytes without their length.
    pub fn bytes(self) -> &'call [u8] {
        // Sound: the host hands in as many bytes as it says, and leaves them alone until the call is over.
        unsafe {
            let length = u32::from_le(self.0.cast::<u32>().read_unaligned());
            core::slice::from_raw_parts(self.0.add(LENGTH), length as usize)
        }
    }
}

/// A string that the host gets, and frees.
#[repr(transparent)]
pub struct TextOut(*mut u8);

impl TextOut {
    /// No string, for a function that raised an error.
    pub const NONE: TextOut = TextOut(ptr::null_mut());

    /// A copy of a text. A zero byte in it ends it for the host.
    pub fn new(text: impl AsRef<[u8]>) -> TextOut {
        let text = text.as_ref();
        TextOut(block(&[text, &[0]]))
    }
}

/// Bytes that the host gets, and frees.
#[repr(transparent)]
pub struct BytesOut(*mut u8);

impl BytesOut {
    /// A copy of bytes.
    pub fn new(bytes: impl AsRef<[u8]>) -> BytesOut {
        let bytes = bytes.as_ref();
        // No slice is longer than memory, whose size is a u32.
        BytesOut(block(&[&(bytes.len() as u32).to_le_bytes(), bytes]))
    }
}

/// A block with these parts in it, one behind the other.
fn block(parts: &[&[u8]]) -> *mut u8 {
    let pointer = allocate(parts.iter().map(|part| part.len()).sum());
    assert!(!pointer.is_null(), "out of memory");
    let mut end = pointer;
    for part in parts {
        // Sound: the block is as long as all parts, and new, so that no part lies in it.
        unsafe {
            end.copy_from_nonoverlapping(part.as_ptr(), part.len());
            end = end.add(part.len());
        }
    }
    pointer
}

/// How long a string is without its end: the host asks that of every string that it gets.
#[unsafe(no_mangle)]
pub extern "C" fn get_string_size(text: Text<'_>) -> usize {
    text.bytes().len()
}
