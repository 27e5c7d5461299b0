// One call of a hook: its input, and what is wrong with it.

import { firstProblem } from "./check";
import { Value, Writer } from "./json";

/** The input of a hook. Once something is not as expected, `refusal` says what, and the hook answers that. */
export class Call {
  refusal: string = "";
  private input: Value;

  constructor(pointer: usize, length: usize) {
    this.input = document(pointer, length);
    if (this.input.length == 0) {
      this.refusal = "cannot read the input: it is not JSON, from byte " + problem(pointer, length).toString() + " on";
    } else if (!this.input.isObject) {
      this.refusal = "cannot read the input: it is no JSON object";
    }
  }

  get refused(): bool {
    return this.refusal.length > 0;
  }

  member(name: string): Value {
    return this.input.member(name);
  }

  /** A member that is an object; absent and null count as none. */
  object(name: string): Value {
    return this.memberObject(this.input, name);
  }

  memberObject(parent: Value, name: string): Value {
    const value = parent.member(name);
    if (value.isNone) return Value.none();
    if (!value.isObject && !this.refused) this.refusal = "cannot read the input: " + name + " is no object";
    return value;
  }

  /** A member that is true or false; absent and null count as false. */
  flag(name: string): bool {
    const value = this.input.member(name);
    if (!value.isNone && !value.is("true") && !value.is("false") && !this.refused) {
      this.refusal = "cannot read the input: " + name + " is not true or false";
    }
    return value.is("true");
  }

  /** The answer to an input that was not understood. */
  refuse(member: string): u64 {
    return new Writer().open("context").close().string(member, this.refusal).finish();
  }
}

/** A whole document without the space around it; none when it is not JSON. */
export function document(pointer: usize, length: usize): Value {
  let end = pointer + length;
  if (length == 0 || firstProblem(pointer, end) != 0) return Value.none();
  while (load<u8>(pointer) <= 0x20) pointer++;
  while (load<u8>(end - 1) <= 0x20) end--;
  return new Value(pointer, end);
}

function problem(pointer: usize, length: usize): usize {
  return length == 0 ? 0 : firstProblem(pointer, pointer + length) - pointer;
}
