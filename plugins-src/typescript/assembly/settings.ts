// The configuration of the request stamp: set by `init` and only read after. Nothing of a request stays here.

import { document } from "./call";
import { Members, Value } from "./json";

export class Settings {
  headerNames: string[] = ["X-Stamped-By"];
  headerValues: string[] = ["request-stamp"];
  limit: i64 = 4096;

  /** Reads the configuration; null when it is not understood. Everything kept is a copy. */
  static parse(pointer: usize, length: usize): Settings | null {
    const settings = new Settings();
    if (length == 0) return settings;
    const config = document(pointer, length);
    if (config.length == 0) return null;
    if (config.isNone) return settings;
    if (!config.isObject) return null;
    const limit = config.member("max_completion_tokens");
    if (!limit.isNone) {
      const number = limit.number();
      if (!(number >= 1 && number <= 1e9 && Math.floor(number) == number)) return null;
      settings.limit = <i64>number;
    }
    const headers = config.member("headers");
    if (!headers.isNone && !settings.readHeaders(headers)) return null;
    return settings;
  }

  private readHeaders(headers: Value): bool {
    if (!headers.isObject) return false;
    this.headerNames = [];
    this.headerValues = [];
    const members = new Members(headers);
    while (members.next()) {
      const name = members.name.text();
      if (name.length == 0 || !members.value.isString) return false;
      this.headerNames.push(name);
      this.headerValues.push(members.value.text());
    }
    return true;
  }

  /** The position of a header among those to set, whatever its case; -1 for none. */
  position(name: string): i32 {
    for (let i = 0; i < this.headerNames.length; i++) {
      if (sameName(this.headerNames[i], name)) return i;
    }
    return -1;
  }
}

/** Compares as HTTP does: the case of ASCII letters does not count. */
export function sameName(left: string, right: string): bool {
  if (left.length != right.length) return false;
  for (let i = 0; i < left.length; i++) {
    if (lower(left.charCodeAt(i)) != lower(right.charCodeAt(i))) return false;
  }
  return true;
}

function lower(unit: i32): i32 {
  return unit >= 0x41 && unit <= 0x5a ? unit + 0x20 : unit;
}
