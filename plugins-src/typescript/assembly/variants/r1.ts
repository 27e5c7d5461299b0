// Revision r1.

import { httpRequest, postResponse, preRequest, tidy } from "./tag";

export { malloc, free } from "./memory";
export { get_name, init, cleanup } from "./tag";

export function http_intercept(pointer: usize, length: usize): u64 {
  return tidy(httpRequest(pointer, length));
}

export function pre_hook(pointer: usize, length: usize): u64 {
  return tidy(preRequest(pointer, length));
}

export function post_hook(pointer: usize, length: usize): u64 {
  return tidy(postResponse(pointer, length));
}
