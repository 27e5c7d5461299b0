;; The plugin of wasp's own benchmark, without a language's runtime: int_func adds, string_func says hello. echo gives back
;; what it is given, string or bytes. The heap starts anew when nothing of it is in use.
(module
  (import "wasi_snapshot_preview1" "fd_write" (func (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 1)
  (global $top (mut i32) (i32.const 1024))
  (global $live (mut i32) (i32.const 0))
  (func $allocate (export "allocate") (param $size i32) (result i32) (local $pointer i32)
    (local.set $pointer (global.get $top))
    ;; the next block is aligned, and what a host writes one byte too far harms nobody
    (global.set $top
      (i32.and (i32.add (i32.add (local.get $pointer) (local.get $size)) (i32.const 16)) (i32.const -16)))
    (if (i32.gt_u (global.get $top) (i32.mul (memory.size) (i32.const 65536)))
      (then
        (drop (memory.grow (i32.add (i32.shr_u (local.get $size) (i32.const 16)) (i32.const 1))))))
    (global.set $live (i32.add (global.get $live) (i32.const 1)))
    (local.get $pointer))
  (func (export "deallocate") (param $pointer i32) (param $size i32)
    (global.set $live (i32.sub (global.get $live) (i32.const 1)))
    (if (i32.eqz (global.get $live)) (then (global.set $top (i32.const 1024)))))
  (func $size (export "get_string_size") (param $pointer i32) (result i32) (local $at i32)
    (local.set $at (local.get $pointer))
    (block $end
      (loop $more
        (br_if $end (i32.eqz (i32.load8_u (local.get $at))))
        (local.set $at (i32.add (local.get $at) (i32.const 1)))
        (br $more)))
    (i32.sub (local.get $at) (local.get $pointer)))
  (func (export "int_func") (param i32 i32) (result i32) (i32.add (local.get 0) (local.get 1)))
  (func (export "string_func") (param $name i32) (result i32) (local $length i32) (local $out i32) (local $at i32)
    (local.set $length (call $size (local.get $name)))
    (local.set $out (call $allocate (i32.add (local.get $length) (i32.const 7))))
    (i64.store (local.get $out) (i64.const 0x206f6c6c6548)) ;; "Hello "
    (loop $more ;; the terminator too
      (i32.store8
        (i32.add (i32.add (local.get $out) (i32.const 6)) (local.get $at))
        (i32.load8_u (i32.add (local.get $name) (local.get $at))))
      (br_if $more
        (i32.le_u (local.tee $at (i32.add (local.get $at) (i32.const 1))) (local.get $length))))
    (local.get $out))
  (func (export "echo") (param i32) (result i32) (local.get 0)))
