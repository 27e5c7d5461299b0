// Request stamp: every request carries the house's headers, and none asks a model for more tokens than allowed.
//
// The headers are set on the HTTP request, whatever case the client wrote them in. A chat request without a limit
// on completion tokens, or with a larger one, gets the house's. In the context: `stamped` says that it was here,
// `stamp_chunks` counts the chunks of a streamed answer, `stamp_status` is the HTTP status. Configuration, every
// member optional:
//
//   {"headers": {"X-Served-By": "house"}, "max_completion_tokens": 512}

import { Call } from "./call";
import { Members, Value, Writer } from "./json";
import { pack } from "./memory";
import { Settings, sameName } from "./settings";

export { malloc, free } from "./memory";

const NAME = "request-stamp";

let settings = new Settings();

export function get_name(): u64 {
  const length = String.UTF8.byteLength(NAME);
  const block = heap.alloc(length);
  String.UTF8.encodeUnsafe(changetype<usize>(NAME), NAME.length, block);
  return pack(block, length);
}

export function init(pointer: usize, length: usize): i32 {
  const parsed = Settings.parse(pointer, length);
  if (!parsed) return 1;
  settings = parsed;
  return 0;
}

export function cleanup(): i32 {
  settings = new Settings();
  return 0;
}

export function http_pre_hook(pointer: usize, length: usize): u64 {
  const call = new Call(pointer, length);
  const request = call.object("request");
  const headers = call.memberObject(request, "headers");
  if (call.refused) return call.refuse("error");
  const result = new Writer(request.length);
  result.open("context").flag("stamped", true).close();
  result.open("request");
  const members = new Members(request);
  while (members.next()) {
    // The body, and what no document names, stays as it came.
    if (!members.named("headers")) result.member(members.name, members.value);
  }
  writeHeaders(result.open("headers"), headers);
  result.close().close();
  return result.none("response").flag("has_response", false).string("error", "").finish();
}

/** The request's headers with the house's values, each under the spelling that it has already. */
function writeHeaders(result: Writer, headers: Value): void {
  const spelling = settings.headerNames.slice();
  const members = new Members(headers);
  while (members.next()) {
    const name = members.name.text();
    const position = settings.position(name);
    if (position < 0) result.member(members.name, members.value);
    else spelling[position] = name;
  }
  for (let i = 0; i < spelling.length; i++) result.string(spelling[i], settings.headerValues[i]);
}

export function http_post_hook(pointer: usize, length: usize): u64 {
  const call = new Call(pointer, length);
  const status = call.object("response").member("status_code").number();
  if (call.refused) return call.refuse("error");
  const result = new Writer().open("context");
  if (status >= 100 && status < 600) result.number("stamp_status", <i64>status);
  return result.close().string("error", "").finish();
}

export function http_stream_chunk_hook(pointer: usize, length: usize): u64 {
  const call = new Call(pointer, length);
  const chunk = call.object("chunk");
  if (chunk.isNone && !call.refused) call.refusal = "cannot read the input: chunk is missing";
  if (call.refused) return call.refuse("error");
  // The count travels in the context: another instance may get the next chunk.
  const before = call.member("context").member("stamp_chunks").number();
  const result = new Writer(chunk.length).open("context");
  result.number("stamp_chunks", before >= 0 && before < 1e15 ? <i64>before + 1 : 1).close();
  return result.value("chunk", chunk).flag("has_chunk", true).flag("skip", false).string("error", "").finish();
}

export function pre_hook(pointer: usize, length: usize): u64 {
  const call = new Call(pointer, length);
  const request = call.object("request");
  if (call.refused) return call.refuse("error");
  const changes = needsLimit(request);
  const result = new Writer(changes ? request.length : 0).open("context").flag("stamped", true).close();
  if (changes) {
    writeLimited(result.open("request"), request);
    result.close();
  } else {
    result.none("request");
  }
  return result.none("short_circuit").flag("has_short_circuit", false).string("error", "").finish();
}

export function post_hook(pointer: usize, length: usize): u64 {
  const call = new Call(pointer, length);
  const response = call.object("response");
  const error = call.object("error");
  const failed = call.flag("has_error");
  if (call.refused) return call.refuse("hook_error");
  const result = new Writer(response.length + error.length).open("context").flag("stamped", true).close();
  // An error stays one: with its object, or with one made for it, so that the flag is never lost.
  if (!failed) {
    result.value("response", response.isEmpty ? Value.none() : response).none("error");
  } else if (!error.isEmpty) {
    result.none("response").value("error", error);
  } else {
    result.none("response").open("error").flag("is_bifrost_error", true);
    result.open("error").string("message", "unknown error").close().close();
  }
  return result.flag("has_error", failed).string("hook_error", "").finish();
}

/** Whether a name is that of a wrapped chat request: chat_request, or ChatRequest as Go's struct has it. */
function wrapsChat(name: string): bool {
  return sameName(name, "chat_request") || sameName(name, "chatrequest");
}

/** Whether an object is a chat request that asks for too many tokens, or does not say how many. */
function exceeds(chat: Value): bool {
  if (!chat.member("input").isArray) return false;
  const params = chat.member("params");
  if (!params.isNone && !params.isObject) return false;
  const limit = params.member("max_completion_tokens");
  return limit.isNone || limit.number() > <f64>settings.limit;
}

function needsLimit(request: Value): bool {
  if (exceeds(request)) return true;
  const members = new Members(request);
  while (members.next()) {
    if (wrapsChat(members.name.text()) && exceeds(members.value)) return true;
  }
  return false;
}

/** The request with the limit set, where it stands in it. Shapes that are not known pass through unchanged. */
function writeLimited(result: Writer, request: Value): void {
  const flat = exceeds(request);
  const members = new Members(request);
  while (members.next()) {
    if (flat && members.named("params")) continue;
    if (wrapsChat(members.name.text()) && exceeds(members.value)) {
      result.openMember(members.name);
      writeChat(result, members.value);
      result.close();
    } else {
      result.member(members.name, members.value);
    }
  }
  if (flat) writeParams(result, request.member("params"));
}

function writeChat(result: Writer, chat: Value): void {
  const members = new Members(chat);
  while (members.next()) {
    if (!members.named("params")) result.member(members.name, members.value);
  }
  writeParams(result, chat.member("params"));
}

function writeParams(result: Writer, params: Value): void {
  result.open("params");
  const members = new Members(params);
  while (members.next()) {
    if (!members.named("max_completion_tokens")) result.member(members.name, members.value);
  }
  result.number("max_completion_tokens", settings.limit).close();
}
