"""Messages of the HTTP hooks: the documents' request and response, varied in one point each.

Source: "Writing WASM Plugins", http_pre_hook and http_post_hook; README of hello-world-wasm-go, HTTPTransportIntercept.
"""

from __future__ import annotations

from collections.abc import Iterator

from reference_host.abi.bifrost.jsontext import encode
from reference_host.abi.bifrost.revisions import Role
from reference_host.abi.interface import Json

from .message import MARK, PLAIN, TEXT, Message, Sizes, Topic, Variation, around, b64, prose

_FILLED = b64(encode({"model": "gpt-4", "messages": [{"role": "user", "content": f"Say {MARK} twice."}]}))


def chat_body(prompt: str) -> str:
    """The body of a chat request."""
    return b64(encode({"model": "gpt-4", "messages": [{"role": "user", "content": prompt}], "stream": False}))


def http_request(**changes: Json) -> dict[str, Json]:
    """The documents' request with mixed-case headers and nothing empty, changed as told."""
    request: dict[str, Json] = {
        "method": "POST",
        "path": "/v1/chat/completions",
        "headers": {
            "Content-Type": "application/json",
            "x-trace-id": MARK,
            "AUTHORIZATION": "Bearer k",
            "X-Team": "a",
        },
        "query": {"Debug": "1"},
        "body": _FILLED,
    }
    return request | changes


def http_response(**changes: Json) -> dict[str, Json]:
    """The documents' response, changed as told."""
    response: dict[str, Json] = {
        "status_code": 200,
        "headers": {"content-type": "application/json", "X-Request-Id": MARK},
        "body": b64(encode({"id": f"chatcmpl-{MARK}", "choices": [{"index": 0, "finish_reason": "stop"}]})),
    }
    return response | changes


def everyday_requests() -> Iterator[Variation]:
    """What clients send, beside the plain request."""
    headers: dict[str, dict[str, Json]] = {
        "lower-case": {"content-type": "application/json", "x-team": "b"},
        "upper-case": {"CONTENT-TYPE": "application/json", "X-TEAM": "b"},
        "many-headers": {f"X-Header-{n}": "v" * (n + 1) for n in range(40)},
    }
    for name, value in headers.items():
        yield Variation(name, Topic.DOCUMENTED, http_request(headers=value))
    for name, request in {
        "get": http_request(method="GET", path="/v1/models", query={"limit": "3", "Debug": "1"}, body=b64(b"{}")),
        "delete": http_request(method="DELETE", path="/v1/files/a%20b", body=b64(b"{}")),
        "long-query": http_request(query={f"q{n}": "a b&c=d" * n for n in range(1, 20)}),
        "binary": http_request(body=b64(bytes(range(256)))),
        "no-json": http_request(headers={"Content-Type": "text/plain"}, body=b64(b"plain words")),
    }.items():
        yield Variation(name, Topic.DOCUMENTED, request)


def other_requests() -> Iterator[Variation]:
    """Requests that lack something, or have more than the documents show: for every hook that sees one."""
    # A GET without a body is as common as one that was left out for its size.
    for name, request in {
        "no-headers": http_request(headers={}),
        "no-query": http_request(query={}),
        "no-body": http_request(body=""),
        "empty": http_request(headers={}, query={}, body=""),
        "get-no-body": http_request(method="GET", path="/v1/models", body=""),
        "body-left-out": http_request(headers={"Content-Length": "50000000"}, body=""),
        "empty-values": http_request(headers={"X-Empty": ""}, query={"flag": ""}),
    }.items():
        yield Variation(name, Topic.EMPTY, request)
    yield Variation("null-headers", Topic.NULLS, http_request(headers=None), "no-headers")
    yield Variation("null-query", Topic.NULLS, http_request(query=None), "no-query")
    yield Variation("null-body", Topic.NULLS, http_request(body=None), "no-body")
    yield Variation("nulls", Topic.NULLS, http_request(headers=None, query=None, body=None), "empty")
    yield Variation("path-params", Topic.UNKNOWN, http_request(path_params={"id": "7"}), PLAIN)
    yield Variation("path-params-empty", Topic.UNKNOWN, http_request(path_params={}), PLAIN)
    yield Variation("path-params-null", Topic.UNKNOWN, http_request(path_params=None), PLAIN)
    more = http_request(host="example", protocol={"major": 2}, trailers=[None, 1.5, "x"], tls=None, secure=True)
    yield Variation("more-members", Topic.UNKNOWN, more, PLAIN)
    text = http_request(headers={"X-Name": TEXT}, query={"q": TEXT, "größe 🙂": "ü"}, body=chat_body(TEXT))
    yield Variation("text", Topic.NON_ASCII, text)
    yield Variation("text-path", Topic.NON_ASCII, http_request(path="/v1/größe/世界/🙂"))


def _responses(sizes: Sizes) -> Iterator[Variation]:
    for name, response in {
        "error-status": http_response(status_code=503, body=b64(b'{"error":{"message":"upstream"}}')),
        "redirect": http_response(status_code=307, headers={"Location": "/v2/x"}),
        "no-json-response": http_response(headers={"content-type": "text/plain"}, body=b64(b"plain words")),
        "binary-response": http_response(body=b64(bytes(range(256)))),
    }.items():
        yield Variation(name, Topic.DOCUMENTED, response)
    for name, response in {
        "no-response-headers": http_response(headers={}),
        "no-response-body": http_response(status_code=204, body=""),
        "empty-response": http_response(status_code=204, headers={}, body=""),
    }.items():
        yield Variation(name, Topic.EMPTY, response)
    nulls = http_response(status_code=204, headers=None, body=None)
    yield Variation("null-response-headers", Topic.NULLS, http_response(headers=None), "no-response-headers")
    yield Variation("null-response-body", Topic.NULLS, http_response(status_code=204, body=None), "no-response-body")
    yield Variation("null-response-members", Topic.NULLS, nulls, "empty-response")
    more = http_response(streamed=False, timing={"ms": 1.5}, trailers=None)
    yield Variation("more-response-members", Topic.UNKNOWN, more, PLAIN)
    text = http_response(headers={"X-Name": TEXT}, body=b64(encode({"id": TEXT})))
    yield Variation("text-response", Topic.NON_ASCII, text)
    if sizes.fit(sizes.everyday):
        body = b64(encode({"id": prose(sizes.everyday)}))
        yield Variation("large-response", Topic.LARGE, http_response(body=body))


def large_requests(sizes: Sizes) -> Iterator[Variation]:
    """Requests with bodies of 1 MiB and of 8 MiB."""
    for name, size in sizes.named():
        yield Variation(name, Topic.LARGE, http_request(body=chat_body(f"{MARK} {prose(size)}")))


def http_messages(role: Role, sizes: Sizes) -> Iterator[Message]:
    """Messages of the hook before the request, or of that after the response."""
    after: dict[str, Json] = {"response": http_response()} if role is Role.HTTP_POST else {}
    plain = {"request": http_request()} | after
    yield Message(role, PLAIN, Topic.DOCUMENTED, plain)
    large = [v for v in large_requests(sizes) if v.name != "huge" or role is Role.HTTP_PRE]
    for name, topic, request, twin in (*everyday_requests(), *other_requests(), *large):
        yield Message(role, name, topic, {"request": request} | after, twin=twin)
    yield from around(role, plain)
    if role is Role.HTTP_POST:
        for name, topic, response, twin in _responses(sizes):
            yield Message(role, name, topic, plain | {"response": response}, twin=twin)
        bare = {"method": "POST", "path": "/"}
        empty = {"headers": {}, "query": {}, "body": ""}
        members = {"request": bare | empty, "response": http_response(status_code=204, headers={}, body="")}
        yield Message(role, "all-empty", Topic.EMPTY, members)
        nulls = dict.fromkeys(empty)
        members = {"request": bare | nulls, "response": {"status_code": 204, "headers": None, "body": None}}
        yield Message(role, "all-nulls", Topic.NULLS, members, twin="all-empty")
