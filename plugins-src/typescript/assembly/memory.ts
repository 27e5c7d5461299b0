// The memory contract: the host allocates inputs with `malloc`, and frees inputs and results with `free`.
//
// Both work on blocks that the garbage collector does not know: they live until the host frees them. The runtime
// must be one that takes memory back, `stub` does not.

/** Allocates; 0 when there is nothing to allocate. */
export function malloc(size: usize): usize {
  return size == 0 ? 0 : heap.alloc(size);
}

/** Takes back what `malloc` or a hook returned. */
export function free(pointer: usize): void {
  if (pointer != 0) heap.free(pointer);
}

/** Packs a result: pointer in the upper, length in the lower 32 bits. */
export function pack(pointer: usize, length: i32): u64 {
  return ((<u64>pointer) << 32) | (<u64>(<u32>length));
}
