;; The guest of the workloads that are no plugin, as small as the one in the README of the plugin host wasp. It is
;; WebAssembly 1.0, so that peers which know no more can take part.
(module
  (memory (export "memory") 2 16)
  (global $top (mut i32) (i32.const 1024))
  (func (export "malloc") (param $size i32) (result i32)
    global.get $top
    (global.set $top (i32.add (global.get $top) (local.get $size))))
  (func (export "free") (param $pointer i32) (param $size i32)
    (global.set $top (local.get $pointer)))
  (func (export "sum") (param i32 i32) (result i32) local.get 0 local.get 1 i32.add)
  (func (export "echo") (param $pointer i32) (param $length i32) (result i64)
    (i64.or
      (i64.shl (i64.extend_i32_u (local.get $pointer)) (i64.const 32))
      (i64.extend_i32_u (local.get $length))))
  (func (export "loop") (param $count i32) (result i32) (local $sum i32)
    (loop $again
      (local.set $sum (i32.xor (i32.mul (local.get $sum) (i32.const 31)) (local.get $count)))
      (br_if $again (local.tee $count (i32.sub (local.get $count) (i32.const 1)))))
    (i32.and (local.get $sum) (i32.const 0x7fffffff)))
  (func $fib (export "fib") (param i32) (result i32)
    (if (result i32) (i32.lt_u (local.get 0) (i32.const 2))
      (then (local.get 0))
      (else
        (i32.add
          (call $fib (i32.sub (local.get 0) (i32.const 1)))
          (call $fib (i32.sub (local.get 0) (i32.const 2)))))))
  ;; Copies so many bytes from 0 to 65,536, eight at a time; gives the last eight.
  (func (export "copy") (param $length i32) (result i64) (local $at i32)
    (i64.store offset=1016 (i32.const 0) (i64.const 0x0123456789abcdef))
    (loop $again
      (i64.store offset=65536 (local.get $at) (i64.load (local.get $at)))
      (br_if $again
        (i32.lt_u (local.tee $at (i32.add (local.get $at) (i32.const 8))) (local.get $length))))
    (i64.load offset=65528 (local.get $length)))
  ;; So many steps of the logistic map and of its mean, in both widths; gives the bits of the sum.
  (func (export "float") (param $count i32) (result i32) (local $x f64) (local $mean f64) (local $y f32)
    (local.set $x (f64.const 0.1))
    (local.set $y (f32.const 0.5))
    (loop $again
      (local.set $x
        (f64.mul (f64.mul (f64.const 3.7) (local.get $x)) (f64.sub (f64.const 1) (local.get $x))))
      (local.set $mean
        (f64.add (local.get $mean) (f64.div (f64.sub (local.get $x) (local.get $mean)) (f64.const 16))))
      (local.set $y (f32.mul (f32.add (local.get $y) (f32.const 0.25)) (f32.const 0.75)))
      (br_if $again (local.tee $count (i32.sub (local.get $count) (i32.const 1)))))
    (i32.trunc_f64_s
      (f64.mul (f64.add (local.get $mean) (f64.promote_f32 (local.get $y))) (f64.const 1000000)))))
