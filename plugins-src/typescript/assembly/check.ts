// One pass over a document, by RFC 8259: whether it is JSON, in UTF-8. AssemblyScript has no exceptions, so a
// parser that throws would end the plugin; this one tells where it stopped. Nesting has no limit: the stack of
// open brackets is its own.

const QUOTE: u8 = 0x22;
const BACKSLASH: u8 = 0x5c;
const COMMA: u8 = 0x2c;
const COLON: u8 = 0x3a;
const MINUS: u8 = 0x2d;
const POINT: u8 = 0x2e;
const ZERO: u8 = 0x30;
const NINE: u8 = 0x39;
const OBJECT: u8 = 0x7b;
const ARRAY: u8 = 0x5b;
const AFTER_BRACKET: u8 = 2; // '}' and ']' stand two after their counterparts

export function isSpace(byte: u8): bool {
  return byte == 0x20 || byte == 0x0a || byte == 0x0d || byte == 0x09;
}

/** The address where the document stops being JSON; 0 when it is one whole value. */
export function firstProblem(start: usize, end: usize): usize {
  const checker = new Checker(start, end);
  const sound = checker.document();
  checker.release();
  return sound ? 0 : checker.at;
}

class Checker {
  private open: usize = 0; // the stack: one byte a bracket
  private depth: usize = 0;
  private room: usize = 0;

  constructor(
    public at: usize,
    private end: usize,
  ) {}

  release(): void {
    if (this.open != 0) heap.free(this.open);
  }

  document(): bool {
    if (!this.value()) return false;
    while (this.depth > 0) {
      if (!this.next()) return false;
    }
    this.space();
    return this.at == this.end;
  }

  private push(bracket: u8): void {
    if (this.depth == this.room) {
      this.room = this.room == 0 ? 64 : this.room * 2;
      this.open = this.open == 0 ? heap.alloc(this.room) : heap.realloc(this.open, this.room);
    }
    store<u8>(this.open + this.depth++, bracket);
  }

  /** Reads a scalar, or the start of an array or object up to its first value. */
  private value(): bool {
    while (true) {
      this.space();
      if (this.at >= this.end) return false;
      const first = load<u8>(this.at);
      if (first == QUOTE) return this.string();
      if (first == MINUS || (first >= ZERO && first <= NINE)) return this.number();
      if (first == 0x74) return this.word(0x65757274, 4); // true
      if (first == 0x66) return this.at + 5 <= this.end && load<u8>(this.at + 4) == 0x65 && this.word(0x736c6166, 5);
      if (first == 0x6e) return this.word(0x6c6c756e, 4); // null
      if (first != OBJECT && first != ARRAY) return false;
      this.push(first);
      this.at++;
      this.space();
      if (this.at < this.end && load<u8>(this.at) == first + AFTER_BRACKET) {
        this.depth--;
        this.at++;
        return true;
      }
      if (first == OBJECT && !this.name()) return false;
    }
  }

  /** Reads what follows a value inside an array or object. */
  private next(): bool {
    this.space();
    if (this.at >= this.end) return false;
    const innermost = load<u8>(this.open + this.depth - 1);
    const byte = load<u8>(this.at);
    if (byte == innermost + AFTER_BRACKET) {
      this.depth--;
      this.at++;
      return true;
    }
    if (byte != COMMA) return false;
    this.at++;
    if (innermost == OBJECT && !this.name()) return false;
    return this.value();
  }

  private name(): bool {
    this.space();
    if (this.at >= this.end || load<u8>(this.at) != QUOTE || !this.string()) return false;
    this.space();
    if (this.at >= this.end || load<u8>(this.at) != COLON) return false;
    this.at++;
    return true;
  }

  private space(): void {
    while (this.at < this.end && isSpace(load<u8>(this.at))) this.at++;
  }

  /** A literal name, given as its first four bytes in memory order. */
  private word(letters: u32, length: usize): bool {
    if (this.at + length > this.end || load<u32>(this.at) != letters) return false;
    this.at += length;
    return true;
  }

  private string(): bool {
    const end = this.end;
    let at = this.at + 1;
    while (at < end) {
      const byte = load<u8>(at);
      if (byte == QUOTE) {
        this.at = at + 1;
        return true;
      }
      let size: usize = 1;
      if (byte == BACKSLASH) size = escapeSize(at, end);
      else if (byte < 0x20) size = 0;
      else if (byte >= 0x80) size = runeSize(at, end);
      if (size == 0) break;
      at += size;
    }
    this.at = at;
    return false;
  }

  private number(): bool {
    if (load<u8>(this.at) == MINUS) this.at++;
    const start = this.at;
    if (this.digits() == 0 || (load<u8>(start) == ZERO && this.at > start + 1)) return false;
    if (this.at < this.end && load<u8>(this.at) == POINT) {
      this.at++;
      if (this.digits() == 0) return false;
    }
    if (this.at < this.end && (load<u8>(this.at) | 0x20) == 0x65) {
      this.at++;
      if (this.at < this.end && (load<u8>(this.at) == MINUS || load<u8>(this.at) == 0x2b)) this.at++;
      if (this.digits() == 0) return false;
    }
    return true;
  }

  private digits(): usize {
    const start = this.at;
    while (this.at < this.end && load<u8>(this.at) >= ZERO && load<u8>(this.at) <= NINE) this.at++;
    return this.at - start;
  }
}

/** The length of the escape sequence; 0 for none that JSON knows. */
function escapeSize(at: usize, end: usize): usize {
  if (at + 1 >= end) return 0;
  switch (load<u8>(at + 1)) {
    case QUOTE:
    case BACKSLASH:
    case 0x2f: // solidus
    case 0x62: // b
    case 0x66: // f
    case 0x6e: // n
    case 0x72: // r
    case 0x74: // t
      return 2;
    case 0x75: // u
      return at + 6 <= end && hex4(at + 2) >= 0 ? 6 : 0;
    default:
      return 0;
  }
}

/** Four hexadecimal digits; -1 when they are none. */
export function hex4(at: usize): i32 {
  let unit = 0;
  for (let i: usize = 0; i < 4; i++) {
    const byte = load<u8>(at + i);
    const letter = byte | 0x20;
    if (byte >= ZERO && byte <= NINE) unit = (unit << 4) | (byte - ZERO);
    else if (letter >= 0x61 && letter <= 0x66) unit = (unit << 4) | (letter - 0x61 + 10);
    else return -1;
  }
  return unit;
}

/** The length of a character of several bytes, by table 3-7 of the Unicode standard; 0 for bad UTF-8. */
function runeSize(at: usize, end: usize): usize {
  const first = load<u8>(at);
  const size: usize = first < 0xc2 ? 0 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : first < 0xf5 ? 4 : 0;
  if (size == 0 || at + size > end) return 0;
  const second = load<u8>(at + 1);
  const low: u8 = first == 0xe0 ? 0xa0 : first == 0xf0 ? 0x90 : 0x80;
  const high: u8 = first == 0xed ? 0x9f : first == 0xf4 ? 0x8f : 0xbf;
  if (second < low || second > high) return 0;
  for (let i: usize = 2; i < size; i++) {
    if ((load<u8>(at + i) & 0xc0) != 0x80) return 0;
  }
  return size;
}
