"""Tests a running service as an app would; writes only on request, and restores the rating."""

from __future__ import annotations

import json
import random
import re
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import urlsplit

import urllib3

from ops.errors import OperatorError

_TIMEOUT: Final = urllib3.Timeout(total=15)
_TOKEN: Final = re.compile(r"[\x21-\x2b\x2d-\x7e]{1,4096}", re.ASCII)
_API_KEY: Final = re.compile(r"[A-Za-z0-9-]{20,128}", re.ASCII)
_ITEM: Final = re.compile(r"[a-z]+(-[a-z]+)*/[A-Za-z0-9][A-Za-z0-9.-]{0,63}", re.ASCII)
_LIKE, _DISLIKE = 1, -1
_LOOPBACK: Final = frozenset({"127.0.0.1", "::1", "localhost"})
_READ: Final = frozenset({200, 404})
_HINTS: Final = {
    "40191": "Apple says that this user is not signed in or has no subscription",
    "40300": "Apple rejects the user token: get a new one from the app",
    "40390": "the stage requires an API key in API_KEY, or its firewall blocks this address",
    "50390": "the service has no working developer token: run put-signing-key, then rotate",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """One response of the service; header names are in lower case."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = field(default=b"", repr=False)

    @property
    def error(self) -> Mapping[str, Any]:
        """The error if the body has exactly one, else an empty mapping."""
        errors = self.member("errors")
        return errors[0] if errors and len(errors) == 1 and isinstance(errors[0], dict) else {}

    @property
    def value(self) -> int | None:
        """The rating's value if the body has exactly one rating, else None."""
        try:
            (rating,) = self.member("data") or []
            value: int = rating["attributes"]["value"]
        except (ValueError, TypeError, KeyError):
            return None
        return value if value in (_LIKE, _DISLIKE) else None

    @property
    def cache(self) -> str:
        """The value of `Cache-Status` without the cache's name."""
        return self.headers.get("cache-status", "none").removeprefix("apple-music-ratings; ")

    def member(self, name: str) -> list[Any] | None:
        """Return the list with this name in the JSON body, or None."""
        try:
            member = json.loads(self.body)[name]
        except (ValueError, TypeError, KeyError):
            return None
        return member if isinstance(member, list) else None


Send = Callable[[str, str, str | None, int | None], Reply]
"""Sends a request: method, path, user token, and the rating's value for the body."""

Check = tuple[str, str]
"""A check's name and its fault, which is empty if it passed."""


class HttpService:
    """A service at an HTTPS or loopback URL; each request carries the `api_key`."""

    def __init__(self, url: str, api_key: str | None = None) -> None:
        parts = urlsplit(url)
        is_local = parts.scheme == "http" and parts.hostname in _LOOPBACK
        if not (parts.scheme == "https" and parts.hostname) and not is_local:
            raise OperatorError("The URL must begin with https://, or http:// on this machine.")
        self._url = url.rstrip("/")
        self._api_key = {} if api_key is None else {"x-api-key": api_key}
        self._pool = urllib3.PoolManager(retries=False, timeout=_TIMEOUT)

    def send(self, method: str, path: str, user_token: str | None, value: int | None) -> Reply:
        """Send one request, without following redirects, or raise an `OperatorError`."""
        token = {} if user_token is None else {"Music-User-Token": user_token}
        rating = {"type": "rating", "attributes": {"value": value}}
        try:
            response = self._pool.request(
                method,
                self._url + path,
                body=None if value is None else json.dumps(rating),
                headers={**self._api_key, **token},
                redirect=False,
            )
        except urllib3.exceptions.HTTPError as error:
            raise OperatorError(
                f"The URL is unreachable ({type(error).__name__}): check the URL and the network."
            ) from None
        return Reply(
            status=response.status,
            headers={name.lower(): value for name, value in response.headers.items()},
            body=response.data,
        )

    def close(self) -> None:
        """Close the connections."""
        self._pool.clear()


def checked_item(text: str) -> str:
    """Return the item's type and id, or raise an `OperatorError`."""
    return _checked(text, _ITEM, "Name an item by its type and id, such as songs/907242702.")


def checked_api_key(text: str) -> str:
    """Return the key in `API_KEY`, or raise an `OperatorError`."""
    return _checked(text, _API_KEY, "API_KEY is not an API key: set it to the key's value.")


def checked_user_token(text: str, name: str) -> str:
    """Return the token in the variable `name`, or raise an `OperatorError`."""
    fault = "is not a user token" if text.strip() else "is empty"
    return _checked(text, _TOKEN, f"{name} {fault}: set it to the app's token from MusicKit.")


def _checked(text: str, pattern: re.Pattern[str], message: str) -> str:
    """Return the stripped text, or raise `message`, which does not quote the text."""
    if not pattern.fullmatch(text.strip()):
        raise OperatorError(message)
    return text.strip()


def smoke(
    send: Send, *, user_token: str, other_token: str | None, chance: random.Random
) -> Iterator[Check]:
    """Run each check with random ids, which no cache contains; write nothing."""
    one, two = (f"/v1/me/ratings/songs/{_new_id(chance)}" for _ in range(2))
    replies: list[Reply] = []

    def get(path: str, token: str | None) -> Reply:
        replies.append(send("GET", path, token, None))
        return replies[-1]

    yield _check("a rating is read", get(one, user_token), _is_miss)
    yield _check("the second read is a cache hit", get(one, user_token), _is_hit)
    many = f"/v1/me/ratings/songs?ids={_new_id(chance)},{_new_id(chance)}"
    yield _check("a list of ratings is read", get(many, user_token), _is_list, {200})
    if other_token is not None:
        yield _check("another user does not get the cached rating", get(one, other_token), _is_miss)
    missing, elsewhere = get(two, None), get("/v1/me", user_token)
    yield _check("a missing user token is rejected", missing, _is_error("40190"), {401})
    yield _check("an unknown path is rejected", elsewhere, _is_error("40401"), {404})
    yield "every response has `no-store` and its own request id", _header_fault(replies)


def smoke_write(send: Send, *, user_token: str, item: str) -> Iterator[Check]:
    """Write a rating of the item, and restore the previous rating even if a check fails.

    If the previous rating cannot be read, nothing is written.
    """
    path = f"/v1/me/ratings/{item}"
    before = send("GET", path, user_token, None)
    if before.status not in _READ:
        yield "the previous rating is read", _unexpected(before)
        return
    previous = before.value
    new = _DISLIKE if previous == _LIKE else _LIKE
    try:
        written = send("PUT", path, user_token, new)
        yield _check("a rating is written", written, _is_list, {200})
        after = send("GET", path, user_token, None)
        yield _check("the written rating is read", after, _has(new))
    finally:
        send("DELETE" if previous is None else "PUT", path, user_token, previous)
    restored = send("GET", path, user_token, None)
    yield _check("the previous rating is restored", restored, _has(previous))


def _new_id(chance: random.Random) -> str:
    return str(chance.randrange(10**18, 10**19))


def _check(
    name: str, reply: Reply, fault: Callable[[Reply], str], statuses: Collection[int] = _READ
) -> Check:
    return name, fault(reply) if reply.status in statuses else _unexpected(reply)


def _has(value: int | None) -> Callable[[Reply], str]:
    return lambda reply: "" if reply.value == value else "another rating was read"


def _is_miss(reply: Reply) -> str:
    return "" if reply.cache.startswith("fwd=miss") else f"Cache-Status is {reply.cache}"


def _is_hit(reply: Reply) -> str:
    if reply.cache.startswith("hit") and "age" in reply.headers:
        return ""
    fault = f"Cache-Status is {reply.cache}"
    if reply.cache == "fwd=miss":
        fault += "; the cache stores nothing for 5 s after a user's write: wait, and try again"
    return fault


def _is_list(reply: Reply) -> str:
    return "the body is not a list of ratings" if reply.member("data") is None else ""


def _is_error(code: str) -> Callable[[Reply], str]:
    def fault(reply: Reply) -> str:
        expected = {"code": code, "status": str(reply.status)}
        is_error = expected.items() <= reply.error.items()
        return "" if is_error else f"the body is not an error in Apple's shape with code {code}"

    return fault


def _header_fault(replies: list[Reply]) -> str:
    if any(reply.headers.get("cache-control") != "private, no-store" for reply in replies):
        return "a response's Cache-Control is not `private, no-store`"
    ids = {reply.headers.get("x-request-id") for reply in replies}
    return "" if None not in ids and len(ids) == len(replies) else "X-Request-Id is not unique"


def _unexpected(reply: Reply) -> str:
    code = str(reply.error.get("code", ""))
    shown = code if re.fullmatch(r"[0-9]{5}", code) else "no code"
    hint = f": {_HINTS[shown]}" if shown in _HINTS else ""
    return f"status {reply.status} ({shown}){hint}"
