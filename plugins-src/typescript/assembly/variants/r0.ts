// Revision r0: each document has a pointer and a length of its own.

import { document } from "../call";
import { Value } from "../json";
import { answerHook } from "./memory";
import { tidy, written } from "./tag";

export { malloc as plugin_malloc, free as plugin_free } from "./memory";
export { get_name, init, cleanup } from "./tag";

const REFUSAL = '{"error":"cannot read the input: it is no JSON object"}';

/** Whether a document is neither an object nor null. */
function refused(read: Value): bool {
  return !read.isObject && (read.length == 0 || !read.isNone);
}

export function http_transport_intercept(context: usize, contextLength: usize, request: usize, length: usize): u64 {
  return tidy(answerHook(refused(document(request, length)) ? REFUSAL : '{"response":null,"error":""}'));
}

export function pre_hook(context: usize, contextLength: usize, request: usize, length: usize): u64 {
  return tidy(answerHook(changed(document(request, length))));
}

function changed(request: Value): string {
  return refused(request) ? REFUSAL : '{"request":' + written(request) + ',"short_circuit":null,"error":""}';
}

export function post_hook(
  context: usize,
  contextLength: usize,
  response: usize,
  responseLength: usize,
  error: usize,
  errorLength: usize,
): u64 {
  return tidy(answerHook(outcome(document(response, responseLength), document(error, errorLength))));
}

function outcome(response: Value, error: Value): string {
  if (refused(response) || refused(error)) return REFUSAL;
  return '{"response":' + written(response) + ',"bifrost_error":' + written(error) + ',"error":""}';
}
