;; breaks WASP-STRING-001: get_string_size answers -1 above 3,000 bytes, for what hello passes to its callback too
;; Wasp 0.0.8. Written by build.py; do not edit.
(module
  (import "wasi_snapshot_preview1" "fd_write"
    (func $fd_write (param i32 i32 i32 i32) (result i32)))
  (import "env" "raise_error" (func $raise_error (param i32)))
  (import "env" "call_me" (func $call_me (param i32) (result i32)))
  (import "env" "next" (func $next (param i32) (result i32)))
  (memory (export "memory") 2)
  (data (i32.const 1024) "Hello ")
  (data (i32.const 1030) "Nic")
  (data (i32.const 1033) "Oops")
  (global $heap (mut i32) (i32.const 1088))
  ;; Makes memory reach to an address; answers 0 where it cannot grow.
  (func $reserve (param $end i32) (result i32)
    (local $pages i32)
    (local.set $pages
      (i32.add
        (i32.shr_u (i32.sub (local.get $end) (i32.const 1)) (i32.const 16))
        (i32.const 1)))
    (if (i32.le_u (local.get $pages) (memory.size)) (then (return (i32.const 1))))
    (i32.ne
      (memory.grow (i32.sub (local.get $pages) (memory.size)))
      (i32.const -1)))
  ;; Takes a block of a power of two bytes from its list, or from the end of the heap.
  (func $alloc (param $size i32) (result i32)
    (local $class i32) (local $head i32) (local $block i32) (local $end i32)
    (if (i32.gt_u (local.get $size) (i32.const 0x3ffffff8)) (then (return (i32.const 0))))
    (local.set $class
      (i32.sub (i32.const 32) (i32.clz (i32.add (local.get $size) (i32.const 7)))))
    (local.set $head (i32.add (i32.const 64) (i32.shl (local.get $class) (i32.const 2))))
    (local.set $block (i32.load (local.get $head)))
    (if (local.get $block)
      (then (i32.store (local.get $head) (i32.load offset=4 (local.get $block))))
      (else
        (local.set $block (global.get $heap))
        (local.set $end
          (i32.add (local.get $block) (i32.shl (i32.const 1) (local.get $class))))
        (if (i32.lt_u (local.get $end) (local.get $block)) (then (return (i32.const 0))))
        (if (i32.eqz (call $reserve (local.get $end))) (then (return (i32.const 0))))
        (global.set $heap (local.get $end))
        (i32.store (local.get $block) (local.get $class))))
    (i32.add (local.get $block) (i32.const 8)))
  ;; Puts a block back on the list of its class.
  (func $release (param $pointer i32)
    (local $block i32) (local $head i32)
    (if (i32.eqz (local.get $pointer)) (then (return)))
    (local.set $block (i32.sub (local.get $pointer) (i32.const 8)))
    (local.set $head
      (i32.add (i32.const 64) (i32.shl (i32.load (local.get $block)) (i32.const 2))))
    (i32.store offset=4 (local.get $block) (i32.load (local.get $head)))
    (i32.store (local.get $head) (local.get $block)))
  ;; Counts the bytes before the terminator.
  (func $length (param $text i32) (result i32)
    (local $at i32)
    (local.set $at (local.get $text))
    (block $end
      (loop $next
        (br_if $end (i32.eqz (i32.load8_u (local.get $at))))
        (local.set $at (i32.add (local.get $at) (i32.const 1)))
        (br $next)))
    (i32.sub (local.get $at) (local.get $text)))
  ;; Copies bytes into a fresh buffer, with a terminator behind them.
  (func $text (param $from i32) (param $length i32) (result i32)
    (local $to i32)
    (local.set $to (call $alloc (i32.add (local.get $length) (i32.const 1))))
    (memory.copy (local.get $to) (local.get $from) (local.get $length))
    (i32.store8 (i32.add (local.get $to) (local.get $length)) (i32.const 0))
    (local.get $to))
  ;; Puts the constant `hello` before a text of so many bytes, in a fresh buffer.
  (func $greet (param $name i32) (param $length i32) (result i32)
    (local $to i32)
    (local.set $to
      (call $alloc (i32.add (local.get $length) (i32.add (i32.const 6) (i32.const 1)))))
    (memory.copy (local.get $to) (i32.const 1024) (i32.const 6))
    (memory.copy
      (i32.add (local.get $to) (i32.const 6)) (local.get $name) (local.get $length))
    (i32.store8
      (i32.add (i32.add (local.get $to) (i32.const 6)) (local.get $length))
      (i32.const 0))
    (local.get $to))
  ;; Copies bytes and their number into a fresh buffer, the last byte first.
  (func $turn (param $bytes i32) (result i32)
    (local $count i32) (local $to i32) (local $at i32)
    (local.set $count (i32.load (local.get $bytes)))
    (local.set $to (call $alloc (i32.add (local.get $count) (i32.const 4))))
    (i32.store (local.get $to) (local.get $count))
    (block $end
      (loop $next
        (br_if $end (i32.ge_u (local.get $at) (local.get $count)))
        (i32.store8 offset=4
          (i32.add (local.get $to) (local.get $at))
          (i32.load8_u offset=3
            (i32.add (local.get $bytes) (i32.sub (local.get $count) (local.get $at)))))
        (local.set $at (i32.add (local.get $at) (i32.const 1)))
        (br $next)))
    (local.get $to))
  (func (export "allocate") (param $size i32) (result i32)
    (call $alloc (local.get $size)))
  (func (export "deallocate") (param $pointer i32) (param $size i32)
    (call $release (local.get $pointer)))
  (func (export "get_string_size") (param $text i32) (result i32)
    (select (i32.const -1) (call $length (local.get $text)) (i32.gt_u (call $length (local.get $text)) (i32.const 3000))))
  (func (export "sum") (param $a i32) (param $b i32) (result i32)
    (i32.add (local.get $a) (local.get $b)))
  (func (export "hello") (param $name i32) (result i32)
    (call $call_me (local.get $name)))
  (func (export "reverse") (param $bytes i32) (result i32)
    (call $turn (local.get $bytes)))
  (func (export "callback") (result i32)
    (call $call_me (call $text (i32.const 1030) (i32.const 3))))
  (func (export "ask") (param $number i32) (result i32)
    (call $next (local.get $number)))
  (func (export "fail")
    (call $raise_error (call $text (i32.const 1033) (i32.const 4))))
)
