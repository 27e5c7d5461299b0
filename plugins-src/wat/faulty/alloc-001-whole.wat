;; breaks BIFROST-ALLOC-001: the allocator answers 0 for sizes that are multiples of 1 MiB
;; Bifrost r2. Written by build.py; do not edit.
(module
  (memory (export "memory") 2)
  (data (i32.const 1024) "plain r2")
  (data (i32.const 1032) "{\"context\":{},\"request\":null,\"response\":null,\"has_response\":false,\"error\":\"\"}")
  (data (i32.const 1109) "{\"context\":{},\"error\":\"\"}")
  (data (i32.const 1134) "{\"has_chunk\":true,\"skip\":false,\"error\":\"\",")
  (data (i32.const 1176) "{\"context\":{},\"request\":null,\"short_circuit\":null,\"has_short_circuit\":false,\"error\":\"\"}")
  (global $heap (mut i32) (i32.const 1280))
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
  (func (export "malloc") (param $size i32) (result i32)
    (if (result i32) (i32.eqz (i32.and (local.get $size) (i32.const 0xfffff))) (then (i32.const 0)) (else (call $alloc (local.get $size)))))
  (func (export "free") (param $pointer i32)
    (call $release (local.get $pointer)))
  (func (export "get_name") (result i64)
    (call $answer (i32.const 1024) (i32.const 8)))
  (func (export "init") (param $config i32) (param $length i32) (result i32)
    (i32.const 0))
  (func (export "http_pre_hook") (param $input i32) (param $length i32) (result i64)
    (call $answer (i32.const 1032) (i32.const 77)))
  (func (export "http_post_hook") (param $input i32) (param $length i32) (result i64)
    (call $answer (i32.const 1109) (i32.const 25)))
  (func (export "http_stream_chunk_hook") (param $input i32) (param $length i32) (result i64)
    (call $splice (i32.const 1134) (i32.const 42) (local.get $input) (local.get $length)))
  (func (export "pre_hook") (param $input i32) (param $length i32) (result i64)
    (call $answer (i32.const 1176) (i32.const 87)))
  (func (export "post_hook") (param $input i32) (param $length i32) (result i64)
    (call $answer (local.get $input) (local.get $length)))
  (func (export "cleanup") (result i32)
    (i32.const 0))
)
