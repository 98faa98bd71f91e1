"""Between the nouns and the messages of keylease.v1."""

from __future__ import annotations

from collections.abc import Mapping

import grpc
from google.protobuf.duration_pb2 import Duration
from google.protobuf.timestamp_pb2 import Timestamp

from ._errors import Unavailable
from ._nouns import Answer, Credential, Demand, Grant, RetryAction, RetryAdvice
from .v1 import key_lease_service_pb2 as pb

ERROR_BODY_CHARACTERS_MAX = 16_384

_RATE_LIMIT_PARTS = ("ratelimit", "rate-limit", "retry-after", "tokenlimit", "trial-endpoint")
_RATE_LIMIT_STARTS = ("anthropic-", "openai-", "x-amzn-error")
_RATE_LIMIT_NAMES = frozenset({"date", "x-should-retry"})
_HEADERS_MAX = 256
_HEADER_CHARACTERS_MAX = 1_024


def acquire_request(pool: str, demand: Demand, request_id: str) -> pb.AcquireKeyRequest:
    """Asks for a lease; a repetition with the same id gets the same lease."""
    return pb.AcquireKeyRequest(
        pool=pool,
        model=demand.get("model", ""),
        estimated_input_tokens=demand.get("input_tokens"),
        estimated_output_tokens=demand.get("output_tokens"),
        requests=demand.get("requests", 0),
        ttl=_duration(demand.get("ttl")),
        max_wait=_duration(demand.get("max_wait")),
        affinity=demand.get("affinity", ""),
        priority=demand.get("priority", 0),
        exclude_key_ids=demand.get("exclude", ()),
        request_id=request_id,
    )


def grant_of(response: pb.AcquireKeyResponse) -> Grant:
    """The lease that was granted; raises Unavailable where a repeated request found one that has ended since."""
    if not response.HasField("credential"):
        raise Unavailable("the lease ended before its credential arrived", code=grpc.StatusCode.UNAVAILABLE, reason="UNAVAILABLE")
    lease, credential = response.lease, response.credential
    return Grant(
        lease_id=lease.lease_id,
        key_id=lease.key_id,
        pool=lease.pool,
        model_class=lease.model_class,
        credential=Credential(
            secret=credential.secret,
            base_url=credential.base_url,
            header_name=credential.header_name,
            header_value=credential.header_value,
            headers=dict(credential.headers),
        ),
        ttl=_life(lease.acquire_time, lease.expire_time),
        waited=response.waited.ToTimedelta().total_seconds(),
    )


def _life(start: Timestamp, end: Timestamp) -> float:
    """Seconds between two times of the server's clock, which is not ours."""
    return max(0.0, (end.ToNanoseconds() - start.ToNanoseconds()) / 1e9)


def report_request(lease_id: str, answer: Answer) -> pb.ReportHeadersRequest:
    """What the provider answered; of its headers those alone that tell of limits."""
    usage = answer.usage
    return pb.ReportHeadersRequest(
        lease_id=lease_id,
        status_code=answer.status,
        headers=limit_headers(answer.headers),
        error_body=answer.error_body[:ERROR_BODY_CHARACTERS_MAX],
        usage=None
        if usage is None
        else pb.Usage(
            input_tokens=usage.input_tokens,
            output_tokens=usage.output_tokens,
            cache_read_input_tokens=usage.cache_read_input_tokens,
            cache_creation_input_tokens=usage.cache_creation_input_tokens,
        ),
        request_time=_timestamp(answer.request_time),
        response_time=_timestamp(answer.response_time),
        in_progress=answer.in_progress,
    )


def renew_request(grant: Grant) -> pb.RenewLeaseRequest:
    """Asks for as long a life as was granted first."""
    return pb.RenewLeaseRequest(lease_id=grant.lease_id, ttl=_duration(grant.ttl))


def limit_headers(headers: Mapping[str, str]) -> dict[str, str]:
    """The headers that tell of limits: nothing else about an answer is any business of keylease."""
    lowered = ((name.lower(), value) for name, value in headers.items())
    told = [(name, value) for name, value in lowered if _tells_of_limits(name) and len(value) <= _HEADER_CHARACTERS_MAX]
    return dict(told[:_HEADERS_MAX])


def _tells_of_limits(name: str) -> bool:
    return name in _RATE_LIMIT_NAMES or name.startswith(_RATE_LIMIT_STARTS) or any(part in name for part in _RATE_LIMIT_PARTS)


def advice_of(response: pb.ReportHeadersResponse) -> RetryAdvice:
    """What to do about the call that was reported."""
    retry = response.retry
    try:
        action = RetryAction(int(retry.action))
    except ValueError:  # a newer server
        action = RetryAction.UNKNOWN
    return RetryAdvice(action, retry.delay.ToTimedelta().total_seconds())


def _duration(seconds: float | None) -> Duration | None:
    if seconds is None:
        return None
    duration = Duration()
    duration.FromNanoseconds(round(seconds * 1e9))
    return duration


def _timestamp(seconds: float | None) -> Timestamp | None:
    if seconds is None:
        return None
    timestamp = Timestamp()
    timestamp.FromNanoseconds(round(seconds * 1e9))
    return timestamp
