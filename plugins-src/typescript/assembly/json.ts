// JSON that is not decoded: a value is the stretch of the input in which it was written.
//
// A gateway sends members that a plugin does not know, numbers that a float cannot hold, and bodies of megabytes.
// All of it passes through untouched. `check.ts` must have seen a document before it is read here.

import { hex4, isSpace } from "./check";
import { pack } from "./memory";

const QUOTE: u8 = 0x22;
const BACKSLASH: u8 = 0x5c;
const OBJECT: u8 = 0x7b;
const ARRAY: u8 = 0x5b;

/** A value's text, from its first byte up to the one after its last; an empty stretch is no value. */
export class Value {
  constructor(
    readonly start: usize,
    readonly end: usize,
  ) {}

  static none(): Value {
    return new Value(0, 0);
  }

  get length(): i32 {
    return <i32>(this.end - this.start);
  }

  /** Absent or null. */
  get isNone(): bool {
    return this.length == 0 || (this.length == 4 && load<u32>(this.start) == 0x6c6c756e);
  }

  get isObject(): bool {
    return this.length > 0 && load<u8>(this.start) == OBJECT;
  }

  get isArray(): bool {
    return this.length > 0 && load<u8>(this.start) == ARRAY;
  }

  get isString(): bool {
    return this.length > 0 && load<u8>(this.start) == QUOTE;
  }

  /** `{}`, or absent or null. */
  get isEmpty(): bool {
    return this.isNone || (this.isObject && !new Members(this).next());
  }

  /** Whether the text is exactly this one, in ASCII. */
  is(text: string): bool {
    if (this.length != text.length) return false;
    for (let i = 0; i < text.length; i++) {
      if (<i32>load<u8>(this.start + i) != text.charCodeAt(i)) return false;
    }
    return true;
  }

  /** A member of an object; the last of equal names wins. None for absent, and for no object at all. */
  member(name: string): Value {
    let found = Value.none();
    const members = new Members(this);
    while (members.next()) {
      if (members.named(name)) found = members.value;
    }
    return found;
  }

  /** Decodes a string, whose quotes are part of the text. */
  text(): string {
    return unquote(this.start + 1, this.end - 1);
  }

  /** Decodes a number; NaN for what is none. */
  number(): f64 {
    if (this.length == 0 || this.isString) return NaN;
    return F64.parseFloat(String.UTF8.decodeUnsafe(this.start, this.length));
  }
}

/** Walks over the members of an object, in their order. */
export class Members {
  name: Value = Value.none();
  value: Value = Value.none();
  private at: usize;
  private end: usize;

  constructor(object: Value) {
    this.end = object.end;
    this.at = object.isObject ? object.start + 1 : object.end;
  }

  next(): bool {
    let at = skipSpace(this.at, this.end);
    if (at < this.end && load<u8>(at) == 0x2c) at = skipSpace(at + 1, this.end);
    if (at >= this.end || load<u8>(at) != QUOTE) return false;
    const nameEnd = skipString(at, this.end);
    this.name = new Value(at, nameEnd);
    at = skipSpace(skipSpace(nameEnd, this.end) + 1, this.end);
    this.at = skipValue(at, this.end);
    this.value = new Value(at, this.at);
    return true;
  }

  named(name: string): bool {
    const start = this.name.start + 1;
    const end = this.name.end - 1;
    for (let at = start; at < end; at++) {
      if (load<u8>(at) == BACKSLASH || load<u8>(at) >= 0x80) return this.name.text() == name;
    }
    return new Value(start, end).is(name);
  }
}

function skipSpace(at: usize, end: usize): usize {
  while (at < end && isSpace(load<u8>(at))) at++;
  return at;
}

function skipString(at: usize, end: usize): usize {
  for (at++; at < end; at++) {
    const byte = load<u8>(at);
    if (byte == QUOTE) return at + 1;
    if (byte == BACKSLASH) at++;
  }
  return end;
}

function skipValue(at: usize, end: usize): usize {
  let depth = 0;
  while (at < end) {
    const byte = load<u8>(at);
    if (byte == QUOTE) {
      at = skipString(at, end);
      if (depth == 0) return at;
      continue;
    }
    if (byte == 0x7b || byte == 0x5b) {
      depth++;
    } else if (byte == 0x7d || byte == 0x5d) {
      if (depth == 0) return at;
      if (--depth == 0) return at + 1;
    } else if (depth == 0 && (byte == 0x2c || isSpace(byte))) {
      return at;
    }
    at++;
  }
  return at;
}

function unquote(start: usize, end: usize): string {
  let escaped = false;
  for (let at = start; at < end && !escaped; at++) escaped = load<u8>(at) == BACKSLASH;
  if (!escaped) return String.UTF8.decodeUnsafe(start, end - start);
  // Resolved in UTF-16, in which an escape is one unit. No byte of UTF-8 takes more than one.
  const units = heap.alloc((end - start) * 2);
  let to = units;
  for (let at = start; at < end; ) {
    if (load<u8>(at) == BACKSLASH) {
      const letter = load<u8>(at + 1);
      store<u16>(to, letter == 0x75 ? <u16>hex4(at + 2) : unescaped(letter));
      to += 2;
      at += letter == 0x75 ? 6 : 2;
      continue;
    }
    let plain = at;
    while (plain < end && load<u8>(plain) != BACKSLASH) plain++;
    const text = String.UTF8.decodeUnsafe(at, plain - at);
    memory.copy(to, changetype<usize>(text), text.length << 1);
    to += text.length << 1;
    at = plain;
  }
  const result = String.UTF16.decodeUnsafe(units, to - units);
  heap.free(units);
  return result;
}

function unescaped(letter: u8): u16 {
  switch (letter) {
    case 0x62:
      return 0x08;
    case 0x66:
      return 0x0c;
    case 0x6e:
      return 0x0a;
    case 0x72:
      return 0x0d;
    case 0x74:
      return 0x09;
    default:
      return letter;
  }
}

/** Writes one object. The text grows in a block that the host frees; nothing is copied at the end. */
export class Writer {
  private block: usize;
  private size: usize = 0;
  private room: usize;

  /** The text has room for so many bytes, and some hundred more, before it must grow. */
  constructor(room: i32 = 0) {
    this.room = room + 512;
    this.block = heap.alloc(this.room);
    this.byte(OBJECT);
  }

  /** Adds a value that was read; one that is absent as null. */
  value(name: string, value: Value): Writer {
    return this.name(name).raw(value);
  }

  /** Adds a member that was read, under the name with which it was written. */
  member(name: Value, value: Value): Writer {
    this.comma();
    this.raw(name).byte(0x3a);
    return this.raw(value);
  }

  string(name: string, value: string): Writer {
    this.name(name).quoted(value);
    return this;
  }

  flag(name: string, value: bool): Writer {
    return this.name(name).ascii(value ? "true" : "false");
  }

  number(name: string, value: i64): Writer {
    return this.name(name).ascii(value.toString());
  }

  none(name: string): Writer {
    return this.name(name).ascii("null");
  }

  /** Begins an object as a member; `close` ends it. */
  open(name: string): Writer {
    return this.name(name).byte(OBJECT);
  }

  /** Begins an object under a name that was read; `close` ends it. */
  openMember(name: Value): Writer {
    this.comma();
    return this.raw(name).byte(0x3a).byte(OBJECT);
  }

  close(): Writer {
    return this.byte(0x7d);
  }

  /** Ends the object and hands it to the host. */
  finish(): u64 {
    this.close();
    return pack(this.block, <i32>this.size);
  }

  private name(name: string): Writer {
    this.comma();
    this.quoted(name);
    return this.byte(0x3a);
  }

  private comma(): void {
    if (load<u8>(this.block + this.size - 1) != OBJECT) this.byte(0x2c);
  }

  private reserve(more: usize): usize {
    if (this.size + more > this.room) {
      this.room = max(this.room * 2, this.size + more);
      this.block = heap.realloc(this.block, this.room);
    }
    const at = this.block + this.size;
    this.size += more;
    return at;
  }

  private byte(byte: u8): Writer {
    store<u8>(this.reserve(1), byte);
    return this;
  }

  private raw(value: Value): Writer {
    if (value.length == 0) return this.ascii("null");
    memory.copy(this.reserve(value.length), value.start, value.length);
    return this;
  }

  private ascii(text: string): Writer {
    for (let i = 0; i < text.length; i++) this.byte(<u8>text.charCodeAt(i));
    return this;
  }

  private quoted(text: string): void {
    this.byte(QUOTE);
    for (let i = 0; i < text.length; i++) {
      const unit = text.charCodeAt(i);
      if (unit == QUOTE || unit == BACKSLASH) {
        this.byte(BACKSLASH).byte(<u8>unit);
      } else if (unit < 0x20) {
        this.ascii(unit < 0x10 ? "\\u000" : "\\u00").ascii(unit.toString(16));
      } else if (unit < 0x80) {
        this.byte(<u8>unit);
      } else {
        let point = text.codePointAt(i);
        if (point > 0xffff) i++;
        else if (point >= 0xd800 && point < 0xe000) point = 0xfffd; // half a pair has no place in UTF-8
        this.character(point);
      }
    }
    this.byte(QUOTE);
  }

  private character(point: i32): void {
    if (point < 0x800) {
      this.byte(<u8>(0xc0 | (point >> 6)));
    } else {
      if (point < 0x10000) {
        this.byte(<u8>(0xe0 | (point >> 12)));
      } else {
        this.byte(<u8>(0xf0 | (point >> 18)));
        this.byte(<u8>(0x80 | ((point >> 12) & 0x3f)));
      }
      this.byte(<u8>(0x80 | ((point >> 6) & 0x3f)));
    }
    this.byte(<u8>(0x80 | (point & 0x3f)));
  }
}
