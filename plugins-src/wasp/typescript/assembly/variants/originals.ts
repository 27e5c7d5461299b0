// The functions of the original samples. A constant that the compiler is told (`--use`) picks how memory is kept, or
// one fault; code behind a constant that is not defined is not compiled.

@external("env", "call_me")
declare function call_me(name: usize): usize;

@external("env", "raise_error")
declare function raise_error(text: usize): void;

@external("wasi_snapshot_preview1", "proc_exit")
declare function proc_exit(code: u32): void;

/** What the compiler calls where a program cannot go on, if it is told so. */
export function abort(message: string | null, file: string | null, row: u32, column: u32): void {
  proc_exit(255);
}

export function allocate(size: usize): usize {
  return buffer(<i32>size);
}

/** A buffer of the runtime's, which knows how long it is. */
function buffer(size: i32): usize {
  return kept(new ArrayBuffer(size));
}

/** Hands a buffer to the host: what nobody points to, the collector takes. */
function kept(buffer: ArrayBuffer): usize {
  const pointer = changetype<usize>(buffer);
  // @ts-ignore: told on the command line
  if (isDefined(PINS_NOTHING)) return pointer;
  return __pin(pointer);
}

export function deallocate(pointer: usize, size: usize): void {
  // @ts-ignore: told on the command line
  if (isDefined(PINS_NOTHING) || isDefined(FREES_NOTHING)) return;
  __unpin(pointer);
}

export function get_string_size(text: usize): usize {
  const size = <usize>changetype<ArrayBuffer>(text).byteLength;
  // @ts-ignore: told on the command line
  if (isDefined(COUNTS_TERMINATOR)) return size;
  let length: usize = 0;
  while (length < size && load<u8>(text + length) != 0) length++;
  return length;
}

function read(text: usize): string {
  return String.UTF8.decodeUnsafe(text, changetype<ArrayBuffer>(text).byteLength, true);
}

function written(text: string): usize {
  // @ts-ignore: told on the command line
  if (isDefined(ENDS_NO_STRING)) return kept(String.UTF8.encode(text));
  return kept(String.UTF8.encode(text, true));
}

export function sum(a: i32, b: i32): i32 {
  return a + b;
}

export function hello(name: usize): usize {
  return written("Hello " + read(name));
}

export function reverse(bytes: usize): usize {
  const length = load<u32>(bytes);
  const result = buffer(4 + <i32>length);
  store<u32>(result, length);
  for (let i: u32 = 0; i < length; i++) store<u8>(result + 4 + i, load<u8>(bytes + 4 + (length - 1 - i)));
  return result;
}

export function callback(): usize {
  return written(read(call_me(written("Nic"))));
}

export function fail(): void {
  // @ts-ignore: told on the command line
  raise_error(kept(String.UTF8.encode("Oops", !isDefined(ENDS_NO_ERROR))));
}
