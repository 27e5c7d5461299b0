// The memory contract, with the allocators that authors choose. A constant that the compiler is told (`--use`)
// picks one of them, or a fault; code behind a constant that is not defined is not compiled.

/** Where the vendor's way of allocating begins: at a number that looked free. */
const START: usize = 64;

let top = START;

export function malloc(size: usize): usize {
  if (size == 0) return 0;
  // @ts-ignore: told on the command line
  if (isDefined(BUMPS)) {
    const pointer = top;
    top += (size + 7) & ~7;
    const pages = <i32>((top + 0xffff) >>> 16) - memory.size();
    if (pages > 0 && memory.grow(pages) < 0) return 0;
    return pointer;
  }
  // @ts-ignore: told on the command line
  if (isDefined(PINS)) return __pin(changetype<usize>(new ArrayBuffer(<i32>size)));
  // @ts-ignore: told on the command line
  if (isDefined(PINS_NOTHING)) return changetype<usize>(new ArrayBuffer(<i32>size));
  const pointer = heap.alloc(size);
  // @ts-ignore: told on the command line
  if (isDefined(LOOSE_RESULTS)) blocks.add(pointer);
  return pointer;
}

/** What the host was given by `malloc`, as far as results are something else. */
const blocks = new Set<usize>();

export function free(pointer: usize): void {
  if (pointer == 0) return;
  // @ts-ignore: told on the command line
  if (isDefined(BUMPS) || isDefined(PINS_NOTHING)) return;
  // @ts-ignore: told on the command line
  if (isDefined(PINS)) {
    __unpin(pointer);
    return;
  }
  // @ts-ignore: told on the command line
  if (isDefined(LOOSE_RESULTS)) {
    if (blocks.delete(pointer)) heap.free(pointer);
    return;
  }
  heap.free(pointer);
}

function pack(pointer: usize, length: i32): u64 {
  return ((<u64>pointer) << 32) | (<u64>(<u32>length));
}

/** Hands a text to the host as UTF-8. */
export function answer(text: string): u64 {
  // @ts-ignore: told on the command line
  if (isDefined(PINS) || isDefined(PINS_NOTHING) || isDefined(LOOSE_RESULTS)) return own(String.UTF8.encode(text));
  const length = String.UTF8.byteLength(text);
  const pointer = malloc(length);
  if (pointer == 0) return 0;
  String.UTF8.encodeUnsafe(changetype<usize>(text), text.length, pointer);
  return pack(pointer, length);
}

/** Hands an object of the runtime to the host. */
function own(bytes: ArrayBuffer): u64 {
  const pointer = changetype<usize>(bytes);
  // @ts-ignore: told on the command line
  if (isDefined(PINS) && !isDefined(PINS_NO_RESULT)) __pin(pointer);
  return pack(pointer, bytes.byteLength);
}

/** Hands the result of a hook to the host. */
export function answerHook(text: string): u64 {
  // @ts-ignore: told on the command line
  if (isDefined(ANSWERS_UTF16)) return own(String.UTF16.encode(text));
  // @ts-ignore: told on the command line
  if (isDefined(ENDS_WITH_NUL)) return own(String.UTF8.encode(text, true));
  const result = answer(text);
  // @ts-ignore: told on the command line
  if (isDefined(COUNTS_CHARACTERS)) return pack(<usize>(result >> 32), text.length);
  return result;
}
