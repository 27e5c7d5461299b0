// Greeter: what a wasp plugin can do, one small function for each kind of value, in TypeScript (AssemblyScript).

import * as wasp from "./wasp";
import { Bytes, NONE, Text } from "./wasp";

export { allocate, deallocate, get_string_size } from "./wasp";

/** What repeat makes at most, in bytes. */
const LONGEST: i64 = 1 << 20;

@external("env", "call_me")
declare function call_me(name: Text): Text;

export function sum(a: i32, b: i32): i32 {
  return a + b;
}

export function hello(name: Text): Text {
  return wasp.write("Hello " + wasp.read(name));
}

export function reverse(bytes: Bytes): Bytes {
  return wasp.writeBytes(wasp.readBytes(bytes).reverse());
}

export function echo(text: Text): Text {
  return wasp.copy(text);
}

export function echo_bytes(bytes: Bytes): Bytes {
  return wasp.writeBytes(wasp.readBytes(bytes));
}

export function repeat(text: Text, times: i32): Text {
  times = max(times, 0);
  if (<i64>wasp.get_string_size(text) * times > LONGEST) {
    wasp.raise(wasp.write("repeat: too long"));
    return NONE;
  }
  return wasp.write(wasp.read(text).repeat(times));
}

export function word_count(text: Text): i32 {
  const characters = wasp.read(text);
  let words = 0;
  let inside = false;
  for (let i = 0; i < characters.length; i++) {
    const code = characters.charCodeAt(i);
    const space = code == 0x20 || (code >= 0x09 && code <= 0x0d);
    if (!space && !inside) words++;
    inside = !space;
  }
  return words;
}

export function percent(part: i64, whole: f64): i32 {
  const value = (<f64>part * 100) / whole;
  if (!(value > -2147483649 && value < 2147483648)) {
    wasp.raise(wasp.write("percent: no such number"));
    return 0;
  }
  return <i32>value;
}

/** Each instance counts for itself. */
let calls: i32 = 0;

export function count(): i32 {
  return ++calls;
}

/** What the host answers to a callback is the host's as well: it gets a copy back. */
export function greet(name: Text): Text {
  return wasp.copy(call_me(wasp.copy(name)));
}

export function callback(): Text {
  return wasp.copy(call_me(wasp.write("Nic")));
}

export function fail(): void {
  wasp.raise(wasp.write("Oops"));
}

export function fail_with(text: Text): void {
  wasp.raise(wasp.copy(text));
}

/** Writes a line, where the host lets its plugins write. */
export function say(text: Text): void {
  wasp.writeLine(wasp.STDOUT, text, wasp.get_string_size(text));
}
