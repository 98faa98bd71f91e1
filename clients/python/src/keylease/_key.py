"""A leased key, for programs that wait."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import TracebackType
from typing import TYPE_CHECKING, Any, TypeVar, cast

from ._key_core import KeyCore, Outcome
from ._nouns import Answer, Demand, Renewal, RetryAdvice, Usage
from ._reading import answer_of_response, is_response, status_of
from ._tee import unread_family
from ._wire import report_request

if TYPE_CHECKING:
    from typing_extensions import Self

    from ._client import Client

T = TypeVar("T")


class Key(KeyCore):
    """A leased key within its `with` block."""

    def __init__(self, client: Client, pool: str, demand: Demand) -> None:
        super().__init__(client, pool, demand)
        self._client = client
        self._cancel_renewal: Callable[[], None] = lambda: None

    def __enter__(self) -> Self:
        self._open()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._close(error)

    def report(
        self,
        response: object = None,
        *,
        status: int | None = None,
        headers: Mapping[str, str] | None = None,
        error_body: str = "",
        usage: Usage | None = None,
    ) -> RetryAdvice:
        """Tells what the provider answered, and answers with the server's advice.

        Takes a response of any HTTP library, or a status (0: none arrived) and headers. A response of httpx whose body is still on its
        way settles the lease once it was read or closed, with the usage that it told; of others the usage is read from the body where
        that is there already, unless `usage` says it.
        """
        if response is None:
            if status is None:
                raise TypeError("report() needs a response or a status")
            return self._settle(Answer(status, headers or {}, error_body, usage))
        family = unread_family(response)
        if family is not None and (status_of(response) or 0) < 400 and usage is None:
            reader = self._begin_stream(answer_of_response(response, None))
            unread = cast(Any, response)
            unread.stream = family.body(unread.stream, reader, self._end_stream)
            return self.advice
        if family is not None and (status_of(response) or 0) >= 400:
            cast(Any, response).read()
        return self._settle(answer_of_response(response, usage))

    def release(self) -> None:
        """Gives the key back: the call was not made."""
        self._release_later()

    def _open(self) -> None:
        self._begin(self._client._acquire(self._asked_pool, self._demand))
        self._schedule_renewal(Renewal.RENEWED)

    def _close(self, error: BaseException | None, value: object = None) -> RetryAdvice:
        if self._settle_unasked(error):
            return self.advice
        return self._settle(self._answer_at_end(error, value))

    def _settle(self, answer: Answer) -> RetryAdvice:
        if not self._settle_at_once(answer) and self._end():
            self.advice = self._client._report(report_request(self.lease_id, self._stamped(answer)))
        return self.advice

    def _attempt(self, fn: Callable[[Key], T]) -> Outcome[T]:
        """Calls `fn`, and settles by what it returns or raises what it did not settle itself."""
        try:
            value = fn(self)
        except Exception as error:
            return Outcome(None, error, self._close(error))
        except BaseException as error:
            self._close(error)
            raise
        if self._settled or self._heard is not None:
            return Outcome(value, None, self.advice)
        return Outcome(value, None, self.report(value) if is_response(value) else self._close(None, value))

    def _schedule_renewal(self, last: Renewal) -> None:
        seconds = self._renew_in(last)
        if seconds is not None:
            self._cancel_renewal = self._client._timer.after(seconds, self._renew)

    def _renew(self) -> None:
        if not self._settled:
            self._client._renew(self._granted(), self._schedule_renewal)

    def _stop_renewing(self) -> None:
        self._cancel_renewal()
