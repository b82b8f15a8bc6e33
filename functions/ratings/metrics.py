"""The metrics that the ratings function sends; the stack draws them and makes alarms of them."""

from __future__ import annotations

from enum import Enum, unique
from typing import Protocol


@unique
class Metric(Enum):
    """Each metric by its name in CloudWatch; all are counts, but for the one in milliseconds.

    Of the first four, every request counts in exactly one; of the second four, every read.
    """

    ANSWERED = "Answered"
    """Requests that got what they asked for, be it that there is no rating."""

    INVALID = "Invalid"
    """Requests that the caller has to mend."""

    REFUSED = "Refused"
    """Requests that Apple refused for the user's or the request's sake."""

    FAILED = "Failed"
    """Requests that were owed an answer and got 429 or 5xx."""

    CACHE_HIT = "CacheHit"
    """Reads that were answered fresh from the cache."""

    CACHE_MISS = "CacheMiss"
    """Reads for which Apple had to be asked, and no copy stood in."""

    CACHE_STALE = "CacheStale"
    """Reads that a stale copy answered, because Apple failed or was not asked."""

    CACHE_BYPASS = "CacheBypass"
    """Reads past the cache: it did not answer, or the request is not one that is cached."""

    CACHE_READ_FAILED = "CacheReadFailed"
    """DynamoDB did not give what is cached."""

    CACHE_STORE_FAILED = "CacheStoreFailed"
    """DynamoDB did not take what Apple answered."""

    CACHE_INVALIDATION_FAILED = "CacheInvalidationFailed"
    """DynamoDB was not told of a write, or of a refusal: old copies may be served for a while."""

    CACHE_ITEM_REJECTED = "CacheItemRejected"
    """Items that this version of the function cannot have written, and took for missing."""

    UPSTREAM_LATENCY = "UpstreamLatency"
    """How long each call to Apple took, in milliseconds; its sample count is that of the calls."""

    UPSTREAM_RETRIED = "UpstreamRetried"
    """Calls to Apple that were made once more."""

    UPSTREAM_UNREACHABLE = "UpstreamUnreachable"
    """Requests for which Apple gave no answer, or 500 or 502."""

    UPSTREAM_TOO_SLOW = "UpstreamTooSlow"
    """Requests for which Apple took too long, or gave 504."""

    UPSTREAM_UNAVAILABLE = "UpstreamUnavailable"
    """Requests to which Apple gave 503."""

    UPSTREAM_THROTTLED = "UpstreamThrottled"
    """Requests to which Apple gave 429."""

    UPSTREAM_UNUSABLE = "UpstreamUnusable"
    """Requests to which Apple gave something that is no answer."""

    UPSTREAM_UNTRUSTED = "UpstreamUntrusted"
    """Requests for which no certificate proved Apple to be there."""

    UPSTREAM_NOT_ASKED = "UpstreamNotAsked"
    """Requests for which Apple was left alone: the breaker was open, or there was no time."""

    BREAKER_OPENED = "BreakerOpened"
    """Times that an environment stopped asking an Apple that kept failing."""

    NO_DEVELOPER_TOKEN = "NoDeveloperToken"  # noqa: S105  # nosec B105  # a metric's name
    """Requests that needed a developer token and had none that works: someone has to put one."""

    DEVELOPER_TOKEN_NOT_READ = "DeveloperTokenNotRead"  # noqa: S105  # nosec B105  # likewise
    """Times that the secret could not be read, or held no token, while one was wanted."""

    @property
    def unit(self) -> str:
        """CloudWatch's name of the unit."""
        return "Milliseconds" if self is Metric.UPSTREAM_LATENCY else "Count"


class Observer(Protocol):
    """Whoever is told of what a caller does not see."""

    def count(self, metric: Metric, *, times: int = 1, reason: str = "") -> None:
        """Count one, or several; `reason` is for the log, and holds nothing personal."""
        ...

    def measure(self, metric: Metric, milliseconds: float) -> None:
        """Take one measurement."""
        ...
