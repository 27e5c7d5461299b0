"""Several plugins, one request: order, shared context, short circuits, fallbacks, streams, and a trace of it all.

`Gateway` is the face. What it asks of others: plugins that are `reference_host.abi.bifrost.types.HookPlugin`,
and a `Provider`.
"""

from reference_host.pipeline.chat import ChatCompletions, Endpoint, LLMCall
from reference_host.pipeline.context import RESERVED, RequestContext
from reference_host.pipeline.gateway import Gateway, LLMOutcome, Outcome
from reference_host.pipeline.llm import Streamed
from reference_host.pipeline.order import Placement, Registration, arrange
from reference_host.pipeline.provider import Answer, Answered, Failed, Provider
from reference_host.pipeline.pull import Pull
from reference_host.pipeline.stream import Delivery, Sent, Stopped
from reference_host.pipeline.trace import Reason, Trace

__all__ = [
    "RESERVED",
    "Answer",
    "Answered",
    "ChatCompletions",
    "Delivery",
    "Endpoint",
    "Failed",
    "Gateway",
    "LLMCall",
    "LLMOutcome",
    "Outcome",
    "Placement",
    "Provider",
    "Pull",
    "Reason",
    "Registration",
    "RequestContext",
    "Sent",
    "Stopped",
    "Streamed",
    "Trace",
    "arrange",
]
