// The contract of a wasp plugin: its memory, strings and bytes in both directions, errors, and writing a line.
//
// What the host hands in and what it gets are blocks that the garbage collector does not know. What is handed in is
// the host's: read it during the call. What it gets, be it a result, an argument of a callback or the text of an
// error, is a block of its own, which the host frees. The runtime must be one that takes memory back.

/** A string that the host hands in or gets: where it begins. A zero byte ends it. */
export type Text = usize;

/** Bytes that the host hands in or gets: where their length is, 32 bits that are not aligned. They lie behind it. */
export type Bytes = usize;

/** No string, for a function that raised an error. */
export const NONE: Text = 0;

const LENGTH: usize = sizeof<u32>();

/**
 * Allocates. The host of 0.0.8 writes the end of a string one byte too far: behind the block, and leaves what stood in
 * its last byte. So a block has a byte more than was asked for, and is cleared.
 */
export function allocate(size: usize): usize {
  const pointer = heap.alloc(size + 1);
  memory.fill(pointer, 0, size + 1);
  return pointer;
}

/** Takes back a block. The host tells a size, but of a string it may count the end or not; the runtime knows better. */
export function deallocate(pointer: usize, size: usize): void {
  if (pointer != 0) heap.free(pointer);
}

/** How long a string is in bytes, without its end: the host asks that of every string that it gets. */
export function get_string_size(text: Text): usize {
  let end = text;
  while (load<u8>(end) != 0) end++;
  return end - text;
}

/** Reads a string, which is UTF-8. */
export function read(text: Text): string {
  return String.UTF8.decodeUnsafe(text, get_string_size(text));
}

/** Writes a string as UTF-8, in a block for the host. */
export function write(text: string): Text {
  const size = String.UTF8.byteLength(text);
  const pointer = room(size);
  String.UTF8.encodeUnsafe(changetype<usize>(text), text.length, pointer);
  return pointer;
}

/** Copies a string as it is, whether it is UTF-8 or not, into a block for the host. */
export function copy(text: Text): Text {
  const size = get_string_size(text);
  const pointer = room(size);
  memory.copy(pointer, text, size);
  return pointer;
}

function room(size: usize): Text {
  const pointer = allocate(size + 1);
  store<u8>(pointer + size, 0);
  return pointer;
}

/** Copies bytes out of the host's. */
export function readBytes(bytes: Bytes): Uint8Array {
  const length = load<u32>(bytes);
  const copy = new Uint8Array(length);
  memory.copy(copy.dataStart, bytes + LENGTH, length);
  return copy;
}

/** Writes bytes into a block for the host. */
export function writeBytes(bytes: Uint8Array): Bytes {
  const pointer = allocate(LENGTH + bytes.length);
  store<u32>(pointer, bytes.length);
  memory.copy(pointer + LENGTH, bytes.dataStart, bytes.length);
  return pointer;
}

@external("env", "raise_error")
declare function raise_error(text: Text): void;

/**
 * Fails the call with a text, which becomes the host's. The function runs on, and nobody reads what it returns: it
 * should hand out no block then, since nobody frees that either.
 */
export function raise(text: Text): void {
  raise_error(text);
}

export const STDOUT: u32 = 1;
export const STDERR: u32 = 2;

@unmanaged
class Part {
  pointer: usize;
  length: usize;
}

@external("wasi_snapshot_preview1", "fd_write")
declare function fd_write(descriptor: u32, parts: usize, count: usize, written: usize): u32;

const line = memory.data(2 * offsetof<Part>(), 4);
const written = memory.data(4, 4);
const newline = memory.data<u8>([0x0a]);

/** Writes a line. Where the host lets nothing be written, nothing is. */
export function writeLine(descriptor: u32, pointer: usize, length: usize): void {
  part(0, pointer, length);
  part(1, newline, 1);
  fd_write(descriptor, line, 2, written);
}

function part(index: usize, pointer: usize, length: usize): void {
  const part = changetype<Part>(line + index * offsetof<Part>());
  part.pointer = pointer;
  part.length = length;
}

/** What the compiler calls where a program cannot go on. The host has no `env.abort`, which it would import. */
export function abort(message: string | null, file: string | null, row: u32, column: u32): void {
  if (message) {
    const text = String.UTF8.encode(message);
    writeLine(STDERR, changetype<usize>(text), text.byteLength);
  }
  unreachable();
}
