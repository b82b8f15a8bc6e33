"""Checks each response of the function against the models."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from itertools import chain
from math import ceil, floor
from typing import Final

from tests.contracts.differential.apple import FORBIDDEN, UNAUTHORIZED, Fault, Name
from tests.contracts.differential.cache import TOLERANCE, CacheModel, Copy, Write
from tests.contracts.differential.exchanges import Exchange

REJECTED_SECONDS: Final = 10
"""After Apple rejects a token, the function rejects it this long without a call."""

TROUBLE_SECONDS: Final = 70
"""For at most this long after a fault, an environment may omit calls to Apple or DynamoDB."""

STORE_SECONDS: Final = 4.5
"""The function stores Apple's response only within this time after the read of the cache."""

LATE_SECONDS: Final = 1.0
"""If a 401 comes later than this, too little time may remain to probe the developer token."""

DEADLINE_SECONDS: Final = 6


class AllowedResponses:
    """The responses that clients may receive; for any other, `check` raises an AssertionError."""

    def __init__(self) -> None:
        self._caches: dict[tuple[str, str], CacheModel] = defaultdict(CacheModel)
        self._rejected_until: dict[tuple[int, str], float] = defaultdict(float)
        self._apple_trouble_until: dict[int, float] = defaultdict(float)
        self._dynamodb_trouble_until: dict[int, float] = defaultdict(float)

    def check(self, exchange: Exchange) -> None:
        """Compare a response with the models, and update them."""
        response, environment = exchange.response, exchange.environment
        _expect(response.headers["Cache-Control"] == "private, no-store", "Cache-Control")
        seconds = exchange.ended_at - exchange.sent_at
        _expect(seconds <= DEADLINE_SECONDS + TOLERANCE, "a response within the deadline")
        if exchange.sent_at < self._rejected_until[environment, exchange.token]:
            _expect_error(exchange, FORBIDDEN)
            _expect(not (exchange.attempts or exchange.calls), "no calls")
            return
        cache = self._caches[exchange.token, exchange.names[0].family]
        if exchange.value is not None:
            self._check_write(exchange, cache, exchange.value)
        else:
            self._check_calls(exchange, cache)
            self._check_read(exchange, cache if exchange.cache_was_read else CacheModel())
            _update(exchange, cache)
        if any(attempt.fault and attempt.fault.failure for attempt in exchange.attempts):
            self._apple_trouble_until[environment] = exchange.ended_at + TROUBLE_SECONDS
        if exchange.dynamodb_failed:
            self._dynamodb_trouble_until[environment] = exchange.ended_at + TROUBLE_SECONDS
        if exchange.fault is FORBIDDEN:
            until = exchange.answered_at + REJECTED_SECONDS
            self._rejected_until[environment, exchange.token] = until

    def _expect_trouble(self, exchange: Exchange) -> None:
        """Expect a recent failure of Apple: otherwise a request that needs Apple must call it."""
        until = self._apple_trouble_until[exchange.environment]
        _expect(exchange.sent_at < until, "a call to Apple")

    def _check_write(self, exchange: Exchange, cache: CacheModel, value: int) -> None:
        response, attempts, calls = exchange.response, exchange.attempts, exchange.calls
        (name,) = exchange.names
        if not attempts:
            self._expect_trouble(exchange)
            _expect(response.is_refusal, "429 or 503")
            _expect(not calls, "no call to DynamoDB")
            return
        write = Write(
            name=name,
            value=value,
            opened_at=exchange.sent_at,
            requested_at=calls[0].ended,
            closed_at=exchange.answered_at,
            attempts=tuple(attempts),
            announced=any(call.applied for call in calls),
            closed=any(call.applied for call in calls[1:]),
            failed=exchange.dynamodb_failed,
        )
        if exchange.fault is not None:
            _expect_error(exchange, exchange.fault)
        elif write.unknown and not attempts[-1].clear:
            _expect((response.status, response.code) == (502, "50291"), "502 50291")
        elif value:
            _expect((response.status, response.values) == (200, {name.id: value}), "the rating")
        else:
            _expect((response.status, response.values) == (204, {}), "204")
        cache.wrote(write)

    def _check_calls(self, exchange: Exchange, cache: CacheModel) -> None:
        """Check that ids with a fresh copy are not requested, and that a retry has the same ids."""
        forwarded, names, sent_at = exchange.forwarded, exchange.names, exchange.sent_at
        is_read = any(call.operation == "BatchGetItem" for call in exchange.calls)
        if exchange.extended:
            _expect(not is_read, "no read of the cache")
        elif not is_read:
            until = self._dynamodb_trouble_until[exchange.environment]
            _expect(sent_at < until, "a read of the cache")
        _expect(len(exchange.attempts) <= 2, "two calls to Apple at most")
        _expect(all(each.names == forwarded for each in exchange.attempts), "the same ids twice")
        _expect(
            [each for each in names if each in forwarded] == list(forwarded), "the requested ids"
        )
        if exchange.cache_was_read:
            fresh = cache.must_serve(names, sent_at, stale=False)
            _expect(not fresh & set(forwarded), f"{fresh} from the cache")
        elif forwarded:
            _expect(len(forwarded) == len(names), "all ids from Apple")

    def _check_read(self, exchange: Exchange, cache: CacheModel) -> None:
        response, fault, forwarded = exchange.response, exchange.fault, exchange.forwarded
        is_refusal = not forwarded and response.is_refusal
        if not forwarded and (response.is_stale or is_refusal):
            self._expect_trouble(exchange)
        if response.is_stale:
            _expect(not forwarded or (fault is not None and fault.failure), "no stale copy")
            _expect(("hit" in response.cache) == (not forwarded), "hit without a call, else fwd")
            _check_body(exchange, {})
            _check_copies(exchange, set(exchange.names), cache, exchange.answered_at)
        elif fault is not None or is_refusal:
            if fault is not None:
                _expect_error(exchange, fault)
            if fault is None or fault.failure:
                stale = cache.must_serve(exchange.names, exchange.answered_at, stale=True)
                _expect(stale != set(exchange.names), "the stale copies")
        else:
            known = exchange.attempts[-1].values if forwarded else {}
            _check_body(exchange, {name: known.get(name, 0) for name in forwarded})
            cached = set(exchange.names) - set(forwarded)
            _check_copies(exchange, cached, cache, exchange.sent_at)
            if forwarded:
                _check_forward_reason(exchange, cached, cache)


def _check_body(exchange: Exchange, fetched: Mapping[Name, int]) -> None:
    """Check the response's status and order, and its values against `fetched`, Apple's values."""
    response, names = exchange.response, exchange.names
    values = response.values
    if exchange.is_list:
        _expect(response.status == 200, "200")
        _expect(list(values) == [each.id for each in names if each.id in values], "the order")
    elif values:
        _expect((response.status, list(values)) == (200, [names[0].id]), "one rating")
    else:
        _expect((response.status, response.code) == (404, "40400"), "404 40400")
    _expect({name: values.get(name.id, 0) for name in fetched} == fetched, f"{fetched}")


def _check_copies(exchange: Exchange, names: set[Name], cache: CacheModel, now: float) -> None:
    """Check that the cache may contain each value, and that `Age` and `ttl` fit these copies."""
    response, is_stale = exchange.response, exchange.response.is_stale
    if not names:
        _expect("Age" not in response.headers, "no Age")
        return
    candidates: list[list[Copy]] = []
    for name in names:
        value, copies = response.values.get(name.id, 0), cache.copies(name, now, stale=is_stale)
        candidates.append([copy for copy in copies if copy.value == value])
        _expect(bool(candidates[-1]), f"for {name} one of {copies}")
    age, ages = int(response.headers["Age"]), [[now - each.at for each in c] for c in candidates]
    _expect(age >= floor(max(map(min, ages)) - TOLERANCE), "the Age of the oldest part")
    _expect(any(_is_about(age + 0.5, each) for each in chain(*ages)), "the Age of a copy")
    if "ttl" in response.cache:
        ttl = int(response.cache["ttl"])
        ttls = [[each.fresh_until - now for each in copies] for copies in candidates]
        _expect(ttl <= ceil(min(map(max, ttls)) + TOLERANCE), "the least ttl")
        _expect(any(_is_about(ttl - 0.5, each) for each in chain(*ttls)), "the ttl of a copy")
        _expect(is_stale == (ttl <= 0), "a ttl above 0 while fresh")


def _check_forward_reason(exchange: Exchange, cached: set[Name], cache: CacheModel) -> None:
    names, sent_at = exchange.names, exchange.sent_at
    expected = {"miss", "stale"}
    if not exchange.cache_was_read:
        expected = {"bypass"}
    elif cached:
        expected = {"partial"}
    elif not all(cache.copies(each, sent_at, stale=True) for each in names):
        expected = {"miss"}
    elif cache.must_serve(names, sent_at, stale=True) == set(names):
        expected = {"stale"}
    _expect(exchange.response.cache.get("fwd") in expected, f"fwd={expected}")


def _update(exchange: Exchange, cache: CacheModel) -> None:
    """Check that Apple's response was stored if it must be, and update the cache's model."""
    stored, failed = "stored" in exchange.response.cache, exchange.dynamodb_failed
    if not exchange.attempts or not exchange.cache_was_read or exchange.fault is not None:
        _expect(not stored, "not stored")
        if exchange.fault is FORBIDDEN:
            names = exchange.names if exchange.cache_was_read else ()
            cache.forbidden(names, exchange.sent_at, failed=failed)
        return
    values, sent_at = exchange.attempts[-1].values, exchange.sent_at
    seconds = exchange.answered_at - sent_at
    if failed or seconds > STORE_SECONDS + TOLERANCE or not values:
        _expect(not stored, "not stored")
    elif sent_at > cache.quiet_at + TOLERANCE and seconds < STORE_SECONDS - TOLERANCE:
        _expect(stored, "stored")
    cache.fetched(values, sent_at, stored=None if failed else stored)


def _expect_error(exchange: Exchange, fault: Fault) -> None:
    seconds = exchange.answered_at - exchange.sent_at
    expected = {(fault.status, fault.code)}
    if fault is UNAUTHORIZED and seconds > LATE_SECONDS:
        expected.add((503, "50390"))
    _expect((exchange.response.status, exchange.response.code) in expected, f"{expected}")


def _is_about(middle: float, seconds: float) -> bool:
    """Whether the times differ by half a second at most, as after rounding to whole seconds."""
    return abs(middle - seconds) < 0.5 + TOLERANCE


def _expect(condition: bool, expected: str) -> None:
    if not condition:
        raise AssertionError(f"expected {expected}")
