"""What both kinds of keys share: everything that neither waits nor talks."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Generic, TypeVar

from ._body import BodyReader
from ._core import ClientCore
from ._nouns import (
    CALLER_LEFT,
    UNKNOWN,
    WELL,
    Answer,
    Credential,
    Demand,
    Grant,
    Renewal,
    RetryAction,
    RetryAdvice,
    Usage,
)
from ._reading import answer_of_exception, usage_of_value, was_never_sent
from ._wire import report_request
from .v1 import key_lease_service_pb2 as pb

T = TypeVar("T")

RENEW_FOR_MAX = 3_600.0
"""Seconds for which a lease is renewed: a block that runs longer is taken to be forgotten."""
AWAY_PAUSE_MAX = 1.0


class KeyCore:
    """One lease while it is used: knows whether its call was made and whether it was reported."""

    def __init__(self, client: ClientCore, pool: str, demand: Demand) -> None:
        self._core = client
        self._asked_pool = pool
        self._demand = demand
        self._grant: Grant | None = None
        self._touched: float | None = None
        self._heard: Answer | None = None
        self._reader: BodyReader | None = None
        self._settled = False
        self._opened = 0.0
        self.advice: RetryAdvice = UNKNOWN
        """The server's advice on the last report."""

    @property
    def lease_id(self) -> str:
        """Names the lease; empty for a fallback credential."""
        return self._granted().lease_id

    @property
    def key_id(self) -> str:
        """The name of the key in the configuration of the server; empty for a fallback credential."""
        return self._granted().key_id

    @property
    def pool(self) -> str:
        """The pool that granted it."""
        return self._granted().pool

    @property
    def model_class(self) -> str:
        """The models that share the limits of this call."""
        return self._granted().model_class

    @property
    def is_fallback(self) -> bool:
        """Whether this is a fallback credential, because no server answered."""
        return self._granted().lease_id == ""

    @property
    def credential(self) -> Credential:
        """What goes on the request. From here on the call counts as made."""
        if self._touched is None:
            self._touched = time.time()
        return self._granted().credential

    @property
    def headers(self) -> dict[str, str]:
        """The headers to put on the request, ready to send. From here on the call counts as made."""
        return self.credential.as_headers()

    @property
    def secret(self) -> str:
        """The key itself. From here on the call counts as made."""
        return self.credential.secret

    @property
    def base_url(self) -> str:
        """Where the provider answers, without a slash at the end."""
        return self._granted().credential.base_url

    def _granted(self) -> Grant:
        if self._grant is None:
            raise RuntimeError("no key is leased: use `with client.key(...) as key`")
        return self._grant

    def _stamped(self, answer: Answer) -> Answer:
        """The answer with the times that it lacks."""
        heard = self._heard.response_time if self._heard is not None else None
        return replace(
            answer,
            request_time=answer.request_time or self._touched,
            response_time=answer.response_time or heard or time.time(),
        )

    def _begin(self, grant: Grant) -> None:
        self._grant = grant
        self._opened = time.monotonic()

    def _begin_stream(self, answer: Answer) -> BodyReader:
        """Tells that the headers of a stream arrived; the reader is to see its body."""
        self._heard = self._stamped(answer)
        self._reader = BodyReader({name.lower(): value for name, value in answer.headers.items()})
        if self._reader.is_stream and not self.is_fallback:
            self._core._later(report_request(self.lease_id, replace(self._heard, in_progress=True)))
        self.advice = WELL
        return self._reader

    def _end_stream(self) -> None:
        """Settles the lease with what its answer told until here. Repeating it changes nothing."""
        heard, reader = self._heard, self._reader
        if heard is None or reader is None:
            return
        error = reader.error
        if error is not None:
            heard = replace(heard, status=error.status, error_body=error.body)
        self._settle_later(replace(heard, usage=reader.usage))

    def _settle_unasked(self, error: BaseException | None) -> bool:
        """Settles where nobody need be asked: a stream, a call that was not made. False: the answer is yet to be reported."""
        if self._settled:
            return True
        if self._heard is not None:
            self._end_stream()
            return True
        if self._touched is None or (error is not None and was_never_sent(error)):
            self._release_later()
            return True
        return False

    def _answer_at_end(self, error: BaseException | None, value: object = None) -> Answer:
        """What is reported of a call on which nothing was: without an exception it went well.

        Of a call that the program left before an answer, what it expected to use counts as used.
        """
        if error is None:
            return Answer(200, usage=usage_of_value(value))
        answer = answer_of_exception(error)
        if answer.status != CALLER_LEFT:
            return answer
        demand = self._demand
        return replace(answer, usage=Usage(demand.get("input_tokens", 0), demand.get("output_tokens", 0)))

    def _settle_at_once(self, answer: Answer) -> bool:
        """Settles where no advice is needed. False: the advice is yet to be asked for."""
        if (answer.status >= 400 and answer.status != CALLER_LEFT) or answer.status == 0:
            return False
        self._settle_later(answer)
        self.advice = WELL
        return True

    def _end(self) -> bool:
        """Ends the use of the lease; False: it had ended, or it is none."""
        if self._settled:
            return False
        self._settled = True
        self._stop_renewing()
        return not self.is_fallback

    def _settle_later(self, answer: Answer) -> None:
        """Reports without waiting for an answer."""
        if self._end():
            self._core._later(report_request(self.lease_id, self._stamped(answer)))

    def _release_later(self) -> None:
        """Gives the lease back unused, without waiting for an answer."""
        if self._end():
            self._core._later(pb.ReleaseLeaseRequest(lease_id=self.lease_id))

    def _renew_in(self, last: Renewal) -> float | None:
        """Seconds until the next renewal; None: there is none to be."""
        ttl = self._granted().ttl
        over = time.monotonic() - self._opened > RENEW_FOR_MAX
        if self._settled or self.is_fallback or last is Renewal.ENDED or over:
            return None
        return ttl / 2 if last is Renewal.RENEWED else min(AWAY_PAUSE_MAX, ttl / 8)

    def _stop_renewing(self) -> None:
        raise NotImplementedError


class Outcome(Generic[T]):
    """How one attempt of a call ended."""

    def __init__(self, value: T | None, error: Exception | None, advice: RetryAdvice) -> None:
        self.value = value
        self._error = error
        self.asks_for_another_key = advice.action is RetryAction.OTHER_KEY

    def result(self) -> T:
        """What the call returned; raises what it raised."""
        if self._error is not None:
            raise self._error
        return self.value  # type: ignore[return-value]
