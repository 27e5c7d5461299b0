;; breaks BIFROST-OWN-004: pre_hook writes to the oldest buffer that the host has, unless it is its input
;; Bifrost r0. Written by build.py; do not edit.
(module
  (memory (export "memory") 2)
  (data (i32.const 1024) "plain r0")
  (data (i32.const 1032) "{\"response\":null,\"error\":\"\"}")
  (data (i32.const 1060) "{\"request\":null,\"short_circuit\":null,\"error\":\"\"}")
  (data (i32.const 1108) "{\"response\":null,\"bifrost_error\":null,\"error\":\"\"}")
  (global $heap (mut i32) (i32.const 1216))
  (global $last (mut i32) (i32.const 0))
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
  (func $pack (param $pointer i32) (param $length i32) (result i64)
    (i64.or
      (i64.shl (i64.extend_i32_u (local.get $pointer)) (i64.const 32))
      (i64.extend_i32_u (local.get $length))))
  ;; Copies bytes into a fresh buffer, which the host will free.
  (func $answer (param $from i32) (param $length i32) (result i64)
    (local $to i32)
    (local.set $to (call $alloc (local.get $length)))
    (if (i32.eqz (local.get $to)) (then (return (i64.const 0))))
    (memory.copy (local.get $to) (local.get $from) (local.get $length))
    (call $pack (local.get $to) (local.get $length)))
  ;; A constant that begins an object, then the members of the input object, whose opening brace it replaces.
  ;; Where there is no input it answers nothing.
  (func $splice (param $from i32) (param $length i32) (param $input i32) (param $input_length i32) (result i64)
    (local $to i32) (local $total i32)
    (if (i32.eqz (local.get $input_length)) (then (return (i64.const 0))))
    (local.set $total
      (i32.add (local.get $length) (i32.sub (local.get $input_length) (i32.const 1))))
    (local.set $to (call $alloc (local.get $total)))
    (if (i32.eqz (local.get $to)) (then (return (i64.const 0))))
    (memory.copy (local.get $to) (local.get $from) (local.get $length))
    (memory.copy
      (i32.add (local.get $to) (local.get $length))
      (i32.add (local.get $input) (i32.const 1))
      (i32.sub (local.get $input_length) (i32.const 1)))
    (call $pack (local.get $to) (local.get $total)))
  (func (export "plugin_malloc") (param $size i32) (result i32)
    (local $pointer i32)
    (local.set $pointer (call $alloc (local.get $size)))
    (if (i32.eqz (global.get $last)) (then (global.set $last (local.get $pointer))))
    (local.get $pointer))
  (func (export "plugin_free") (param $pointer i32)
    (if (i32.eq (global.get $last) (local.get $pointer)) (then (global.set $last (i32.const 0))))
    (call $release (local.get $pointer)))
  (func (export "get_name") (result i64)
    (call $answer (i32.const 1024) (i32.const 8)))
  (func (export "init") (param $config i32) (param $length i32) (result i32)
    (i32.const 0))
  (func (export "http_transport_intercept") (param $context i32) (param $context_length i32) (param $input i32) (param $length i32) (result i64)
    (call $answer (i32.const 1032) (i32.const 28)))
  (func (export "pre_hook") (param $context i32) (param $context_length i32) (param $input i32) (param $length i32) (result i64)
    (if (i32.and (i32.ne (global.get $last) (i32.const 0)) (i32.ne (global.get $last) (local.get $input)))
      (then (i32.store8 offset=3 (global.get $last) (i32.const 0x21))))
    (call $answer (i32.const 1060) (i32.const 48)))
  (func (export "post_hook") (param $context i32) (param $context_length i32) (param $input i32) (param $length i32) (param $error i32) (param $error_length i32) (result i64)
    (call $answer (i32.const 1108) (i32.const 49)))
  (func (export "cleanup") (result i32)
    (i32.const 0))
)
