// Tag: writes the tag of its configuration, and what it was asked, into the context. {"tag": "house"}, optional.
//
// Without a fault it is what an author would write. The entry file is the revision; constants that the compiler is
// told choose the allocator, and at most one fault.

import { Call, document } from "../call";
import { Value } from "../json";
import { answer, answerHook } from "./memory";

/** The tag as a JSON text, and where the host wrote it: only a fault looks there later. */
let tag = "";
let tagAt = Value.none();
/** The path of the last HTTP request, where the host wrote it: only a fault looks at it. */
let path = Value.none();

export function get_name(): u64 {
  return answer("tag");
}

export function init(pointer: usize, length: usize): i32 {
  tag = "";
  if (length == 0) return 0;
  const config = document(pointer, length);
  if (!config.isObject && !config.isNone) return 1;
  if (config.length == 0) return 1;
  const value = config.member("tag");
  if (!value.isNone) tag = written(value);
  // @ts-ignore: told on the command line
  if (isDefined(KEEPS_CONFIG)) tagAt = value;
  return 0;
}

export function cleanup(): i32 {
  return 0;
}

/** The text of a value, null where there is none. */
export function written(value: Value): string {
  return value.isNone ? "null" : String.UTF8.decodeUnsafe(value.start, value.length);
}

/** What every hook adds to the context, and what this one adds. */
function context(more: string = ""): string {
  let text = tag;
  // @ts-ignore: told on the command line
  if (isDefined(KEEPS_CONFIG) && !tagAt.isNone) text = written(tagAt);
  const members = text.length == 0 ? "" : '"tag":' + text;
  return '{"context":{' + members + (members.length > 0 && more.length > 0 ? "," : "") + more + "}";
}

/** Passes a result on, when all that led to it is garbage. */
export function tidy(result: u64): u64 {
  // @ts-ignore: told on the command line
  if (isDefined(COLLECTS)) __collect();
  return result;
}

/** Answers an input that could not be read. */
function refuse(call: Call, member: string): u64 {
  // @ts-ignore: told on the command line
  if (isDefined(THROWS)) throw new Error(call.refusal);
  return answerHook('{"context":{},"' + member + '":"' + call.refusal + '"}');
}

export function httpRequest(pointer: usize, length: usize): u64 {
  const call = new Call(pointer, length);
  const request = call.object("request");
  if (call.refused) return refuse(call, "error");
  // @ts-ignore: told on the command line
  if (isDefined(KEEPS_INPUT)) path = request.member("path");
  return answerHook(context('"path":' + written(request.member("path"))) + "}");
}

export function httpResponse(pointer: usize, length: usize): u64 {
  const call = new Call(pointer, length);
  const status = call.object("response").member("status_code");
  if (call.refused) return refuse(call, "error");
  return answerHook(context('"status":' + written(status)) + "}");
}

export function streamChunk(pointer: usize, length: usize): u64 {
  const call = new Call(pointer, length);
  const chunk = call.object("chunk");
  if (call.refused) return refuse(call, "error");
  return answerHook(context() + ',"chunk":' + written(chunk) + ',"has_chunk":' + (!chunk.isNone).toString() + "}");
}

export function preRequest(pointer: usize, length: usize): u64 {
  const call = new Call(pointer, length);
  const request = call.object("request");
  if (call.refused) return refuse(call, "error");
  let more = '"model":' + written(request.member("model"));
  // @ts-ignore: told on the command line
  if (isDefined(KEEPS_INPUT)) more += ',"path":' + written(path);
  return answerHook(context(more) + ',"has_short_circuit":false}');
}

export function postResponse(pointer: usize, length: usize): u64 {
  const call = new Call(pointer, length);
  const error = call.object("error");
  const failed = call.flag("has_error");
  if (call.refused) return refuse(call, "hook_error");
  return answerHook(context() + ',"error":' + (failed ? written(error) : "null") + ',"has_error":' + failed.toString() + "}");
}
