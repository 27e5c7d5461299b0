"""Bifrost: the JSON documents that a host sends, by revision and shape.

Two shapes are in use. `docs`: what the documents show; empty members are `{}` and `""`. `go-struct`: what Go's encoder
makes of the gateway's own structs; nil maps and bytes are `null`, a request carries `path_params`, and a context also
has the gateway's own key for the request's id. A host always sends every member, and `context` is always an object
(stands: the vendor's samples need both).
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from enum import StrEnum

from reference_host.abi.bifrost.jsontext import encode
from reference_host.abi.bifrost.revisions import Revision
from reference_host.abi.bifrost.types import HTTPRequest, HTTPResponse, JsonObject
from reference_host.abi.interface import Json


class Shape(StrEnum):
    """Which of the two public shapes the JSON has."""

    DOCS = "docs"
    GO_STRUCT = "go-struct"


def context_json(context: JsonObject, shape: Shape = Shape.DOCS) -> JsonObject:
    """A context as JSON: in the shape `go-struct` the value of `request_id` is offered as `request-id` too."""
    if shape is Shape.GO_STRUCT and "request_id" in context:
        return {"request-id": context["request_id"], **context}
    return context


def request_json(request: HTTPRequest, shape: Shape = Shape.DOCS) -> dict[str, Json]:
    """An HTTP request as JSON; `None` members are sent as the shape has empty ones."""
    document: dict[str, Json] = {
        "method": request.method or "",
        "path": request.path or "",
        "headers": _mapping(request.headers, shape),
        "query": _mapping(request.query, shape),
        "body": _body(request.body, shape),
    }
    if shape is Shape.GO_STRUCT:
        document["path_params"] = _mapping(request.path_params, shape)
    return document


def response_json(response: HTTPResponse, shape: Shape = Shape.DOCS) -> dict[str, Json]:
    """An HTTP response as JSON."""
    return {
        "status_code": response.status_code,
        "headers": _mapping(response.headers, shape),
        "body": _body(response.body, shape),
    }


def http_pre(revision: Revision, context: JsonObject, request: Mapping[str, Json]) -> tuple[bytes, ...]:
    """Documents for `http_pre_hook`, `http_intercept` or `http_transport_intercept`."""
    return _documents(revision, {"context": context, "request": request})


def http_post(
    revision: Revision, context: JsonObject, request: Mapping[str, Json], response: Mapping[str, Json]
) -> tuple[bytes, ...]:
    """Documents for `http_post_hook`."""
    return _documents(revision, {"context": context, "request": request, "response": response})


def stream_chunk(
    revision: Revision, context: JsonObject, request: Mapping[str, Json], chunk: JsonObject
) -> tuple[bytes, ...]:
    """Documents for `http_stream_chunk_hook`."""
    return _documents(revision, {"context": context, "request": request, "chunk": chunk})


def pre(revision: Revision, context: JsonObject, request: JsonObject) -> tuple[bytes, ...]:
    """Documents for `pre_hook`."""
    return _documents(revision, {"context": context, "request": request})


def post(
    revision: Revision, context: JsonObject, response: JsonObject | None, error: JsonObject | None
) -> tuple[bytes, ...]:
    """Documents for `post_hook`.

    Without an error, r0 gets the literal `null` and later revisions `{}`, as their documents show; without a response
    all get `null`. An empty object counts as none.
    """
    members: dict[str, Json] = {"context": context, "response": response or None, "error": error or None}
    if revision.enveloped:
        members |= {"error": error or {}, "has_error": bool(error)}
    return _documents(revision, members)


def _documents(revision: Revision, members: Mapping[str, Json]) -> tuple[bytes, ...]:
    if revision.enveloped:
        return (encode(members),)
    return tuple(encode(value) for value in members.values())


def _mapping(value: Mapping[str, str] | None, shape: Shape) -> Json:
    return value or (None if shape is Shape.GO_STRUCT and value is None else {})


def _body(body: bytes | None, shape: Shape) -> str | None:
    if body is None:
        return None if shape is Shape.GO_STRUCT else ""
    return base64.b64encode(body).decode()
