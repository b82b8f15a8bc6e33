"""The metrics that the ratings function emits; alarms and dashboard use the same names."""

from __future__ import annotations

from enum import Enum, unique
from typing import Protocol


@unique
class Metric(Enum):
    """The CloudWatch name of each metric. All are counts, except UPSTREAM_LATENCY.

    Every request counts as exactly one of SUCCEEDED, INVALID, REJECTED and FAILED. Every read
    counts as exactly one of CACHE_HIT, CACHE_MISS, CACHE_STALE and CACHE_BYPASS.
    """

    # Requests answered successfully, including 404 "not rated".
    SUCCEEDED = "Succeeded"
    # Requests that the client has to correct, such as an unknown type.
    INVALID = "Invalid"
    # Requests that Apple rejected because of the user token or the request itself.
    REJECTED = "Rejected"
    # Requests answered with 429 or 5xx.
    FAILED = "Failed"
    # Requests that one version of the function answered with 5xx; the version is a dimension.
    VERSION_FAILED = "VersionFailed"
    # Reads served fresh from the cache.
    CACHE_HIT = "CacheHit"
    # Cache hits that took longer than telemetry.SLOW_HIT_SECONDS.
    CACHE_HIT_SLOW = "CacheHitSlow"
    # Reads that needed a call to Apple and were not served stale.
    CACHE_MISS = "CacheMiss"
    # Reads served stale, because Apple failed or was not called.
    CACHE_STALE = "CacheStale"
    # Reads without the cache: it was unavailable, or the request is not cacheable.
    CACHE_BYPASS = "CacheBypass"
    # Reads from DynamoDB that failed.
    CACHE_READ_FAILED = "CacheReadFailed"
    # Stores of Apple's response in DynamoDB that failed.
    CACHE_STORE_FAILED = "CacheStoreFailed"
    # Failed updates of a family, for a write or after a 403: old ratings may be served.
    CACHE_INVALIDATION_FAILED = "CacheInvalidationFailed"
    # Items with a layout that this version does not write; they count as misses.
    CACHE_ITEM_INVALID = "CacheItemInvalid"
    # Times that an environment began to bypass DynamoDB, because DynamoDB kept failing.
    CACHE_BYPASS_STARTED = "CacheBypassStarted"
    # Duration of each call to Apple in milliseconds; its sample count is the number of calls.
    UPSTREAM_LATENCY = "UpstreamLatency"
    # Calls to Apple that were retried.
    UPSTREAM_RETRIED = "UpstreamRetried"
    # Requests for which Apple was unreachable, or responded with 500 or 502.
    UPSTREAM_UNREACHABLE = "UpstreamUnreachable"
    # Requests for which Apple timed out, or responded with 504.
    UPSTREAM_TIMEOUT = "UpstreamTimeout"
    # Requests to which Apple responded with 503.
    UPSTREAM_UNAVAILABLE = "UpstreamUnavailable"
    # Requests to which Apple responded with 429, or was not called because of an earlier 429.
    UPSTREAM_RATE_LIMITED = "UpstreamRateLimited"
    # Requests that Apple answered with an invalid response.
    UPSTREAM_INVALID_RESPONSE = "UpstreamInvalidResponse"
    # Requests for which Apple's certificate was not trusted.
    UPSTREAM_TLS_FAILED = "UpstreamTlsFailed"
    # Requests for which Apple was not called: the breaker was open, or too little time remained.
    UPSTREAM_NOT_CALLED = "UpstreamNotCalled"
    # Times that the circuit breaker of an environment opened, or a probe failed.
    BREAKER_OPENED = "BreakerOpened"
    # Times that the circuit breaker of an environment closed.
    BREAKER_CLOSED = "BreakerClosed"
    # Times that an environment began to serve stale copies without a call, as Apple was slow.
    STALE_ONLY_STARTED = "StaleOnlyStarted"
    # Times that an environment began to cool off after a 429.
    COOL_OFF_STARTED = "CoolOffStarted"
    # Requests that needed a developer token when no valid one was available.
    DEVELOPER_TOKEN_UNAVAILABLE = "DeveloperTokenUnavailable"  # noqa: S105  # nosec B105  # a metric's name
    # Reads of the developer token secret that failed, or returned no token.
    DEVELOPER_TOKEN_READ_FAILED = "DeveloperTokenReadFailed"  # noqa: S105  # nosec B105  # likewise
    # Times that Apple rejected the developer token of an environment.
    DEVELOPER_TOKEN_REJECTED = "DeveloperTokenRejected"  # noqa: S105  # nosec B105  # likewise

    @property
    def unit(self) -> str:
        """CloudWatch's name of the unit."""
        return "Milliseconds" if self is Metric.UPSTREAM_LATENCY else "Count"


class Observer(Protocol):
    """Receives the metrics and the warnings of the current request."""

    def count(self, metric: Metric, *, times: int = 1, reason: str = "") -> None:
        """Count one event or several; `reason` is logged and must not contain personal data."""
        ...

    def measure(self, metric: Metric, milliseconds: float) -> None:
        """Record one duration."""
        ...
