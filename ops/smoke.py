"""Asks a running service what shows that it works; writes where it was asked to, and undoes it."""

from __future__ import annotations

import json
import random
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Protocol
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
    "40300": "Apple refuses the user token: get a new one from the app",
    "40390": "the stage wants an API key, in API_KEY, or its firewall refuses this address",
    "50390": "there is no working developer token: put the signing key, then rotate",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """One answer of the service; header names are in lower case."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = field(default=b"", repr=False)

    @property
    def error(self) -> Mapping[str, Any]:
        """The one error in Apple's shape; empty where there is none."""
        try:
            (error,) = json.loads(self.body)["errors"]
        except (ValueError, TypeError, KeyError):
            return {}
        return error if isinstance(error, dict) else {}

    @property
    def cache(self) -> str:
        """What the cache did, without the cache's name."""
        return self.headers.get("cache-status", "none").removeprefix("apple-music-ratings; ")


class Service(Protocol):
    """What is asked."""

    def get(self, path: str, user_token: str | None) -> Reply:
        """Give the answer to one GET."""
        ...

    def put(self, path: str, user_token: str, value: int) -> Reply:
        """Give the answer to one PUT of a rating of that value."""
        ...

    def delete(self, path: str, user_token: str) -> Reply:
        """Give the answer to one DELETE."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """What was looked at, and what is wrong with it; nothing is, where `fault` is empty."""

    name: str
    fault: str


class HttpService:
    """A service at a URL; with an `api_key`, each request carries it.

    Raises:
        OperatorError: from the constructor, where a token should not be sent there; from the
            rest, where nothing answers.
    """

    def __init__(self, url: str, api_key: str | None = None) -> None:
        parts = urlsplit(url)
        is_near = parts.scheme == "http" and parts.hostname in _LOOPBACK
        if not (parts.scheme == "https" and parts.hostname) and not is_near:
            raise OperatorError("The URL must begin with https://, or http:// on this machine.")
        self._url = url.rstrip("/")
        self._api_key = {} if api_key is None else {"x-api-key": api_key}
        self._pool = urllib3.PoolManager(retries=False, timeout=_TIMEOUT)

    def get(self, path: str, user_token: str | None) -> Reply:
        """Give the answer to one GET; no redirect is followed."""
        return self._send("GET", path, user_token)

    def put(self, path: str, user_token: str, value: int) -> Reply:
        """Give the answer to one PUT of a rating of that value."""
        rating = {"type": "rating", "attributes": {"value": value}}
        return self._send("PUT", path, user_token, json.dumps(rating))

    def delete(self, path: str, user_token: str) -> Reply:
        """Give the answer to one DELETE."""
        return self._send("DELETE", path, user_token)

    def close(self) -> None:
        """Close the connections."""
        self._pool.clear()

    def _send(
        self, method: str, path: str, user_token: str | None, body: str | None = None
    ) -> Reply:
        token = {} if user_token is None else {"Music-User-Token": user_token}
        headers = {**self._api_key, **token}
        try:
            answer = self._pool.request(
                method, self._url + path, body=body, headers=headers, redirect=False
            )
        except urllib3.exceptions.HTTPError as error:
            raise OperatorError(
                f"Nothing answers at that URL ({type(error).__name__}): look at the URL and the "
                "network."
            ) from None
        return Reply(
            status=answer.status,
            headers={name.lower(): value for name, value in answer.headers.items()},
            body=answer.data,
        )


def checked_item(text: str) -> str:
    """Give the item, a type and an id, that a person named to be written to.

    Raises:
        OperatorError: where it is none.
    """
    if not _ITEM.fullmatch(text):
        raise OperatorError("Name an item by its type and id, such as songs/907242702.")
    return text


def checked_api_key(text: str) -> str:
    """Give the API key that the text holds.

    Raises:
        OperatorError: where it holds none that could go into a header.
    """
    if not _API_KEY.fullmatch(text.strip()):
        raise OperatorError("API_KEY is no API key: give the key's value, and no more.")
    return text.strip()


def checked_user_token(text: str, name: str) -> str:
    """Give the token that the text holds.

    Raises:
        OperatorError: where it holds none that could go into a header.
    """
    token = text.strip()
    if not token:
        raise OperatorError(f"{name} is empty: put the token that MusicKit gave the app there.")
    if not _TOKEN.fullmatch(token):
        raise OperatorError(
            f"{name} is no user token: put the one that MusicKit gave the app there, and no more."
        )
    return token


def smoke(
    service: Service, *, user_token: str, other_token: str | None, chance: random.Random
) -> Iterator[Check]:
    """Look at one promise after the other; the ids are ones that nobody has asked for before.

    Nothing is written.
    """
    one, two = (f"/v1/me/ratings/songs/{_fresh_id(chance)}" for _ in range(2))
    replies: list[Reply] = []

    def ask(path: str, token: str | None) -> Reply:
        replies.append(service.get(path, token))
        return replies[-1]

    yield _check("a rating is read", ask(one, user_token), _is_read_from_apple)
    yield _check("the second read comes from the cache", ask(one, user_token), _is_hit)
    many = f"/v1/me/ratings/songs?ids={_fresh_id(chance)},{_fresh_id(chance)}"
    yield _check("many ratings are read at once", ask(many, user_token), _is_list)
    if other_token is not None:
        yield _check("another user gets nothing of it", ask(one, other_token), _is_read_from_apple)
    yield _check("no user token is refused", ask(two, None), _is_error(401, "40190"))
    yield _check("another path is refused", ask("/v1/me", user_token), _is_error(404, "40401"))
    yield Check(name="no answer may be kept, and each has an id", fault=_header_fault(replies))


def smoke_write(service: Service, *, user_token: str, item: str) -> Iterator[Check]:
    """Write a rating of the item, and put back what the user had.

    It is put back whatever comes in between, except where it could not be read at first: then
    nothing is written.
    """
    path = f"/v1/me/ratings/{item}"
    before = service.get(path, user_token)
    if before.status not in _READ:
        yield Check(name="the rating of before is read", fault=_unexpected(before))
        return
    had = _value(before)
    wanted = _DISLIKE if had == _LIKE else _LIKE
    try:
        yield _check("a rating is written", service.put(path, user_token, wanted), _is_list)
        yield _check("what was written is read", service.get(path, user_token), _has(wanted))
    finally:
        if had is None:
            service.delete(path, user_token)
        else:
            service.put(path, user_token, had)
    yield _check("the rating of before is put back", service.get(path, user_token), _has(had))


def _value(reply: Reply) -> int | None:
    try:
        (rating,) = json.loads(reply.body)["data"]
        value = rating["attributes"]["value"]
    except (ValueError, TypeError, KeyError):
        return None
    return value if value in {_LIKE, _DISLIKE} else None


def _has(value: int | None) -> Callable[[Reply], str]:
    def fault(reply: Reply) -> str:
        if reply.status not in _READ:
            return _unexpected(reply)
        return "" if _value(reply) == value else "another rating is read"

    return fault


def _fresh_id(chance: random.Random) -> str:
    return str(chance.randrange(10**18, 10**19))


def _check(name: str, reply: Reply, fault: Callable[[Reply], str]) -> Check:
    return Check(name=name, fault=fault(reply))


def _is_read_from_apple(reply: Reply) -> str:
    if reply.status not in _READ:
        return _unexpected(reply)
    return "" if reply.cache.startswith("fwd=miss") else f"Cache-Status says {reply.cache}"


def _is_hit(reply: Reply) -> str:
    if reply.status not in _READ:
        return _unexpected(reply)
    if reply.cache.startswith("hit") and "age" in reply.headers:
        return ""
    fault = f"Cache-Status says {reply.cache}"
    if reply.cache == "fwd=miss":
        fault += "; within 5 s of a user's write nothing is stored: wait, and try again"
    return fault


def _is_list(reply: Reply) -> str:
    if reply.status != 200:  # noqa: PLR2004 - HTTP's own
        return _unexpected(reply)
    try:
        is_list = isinstance(json.loads(reply.body)["data"], list)
    except (ValueError, TypeError, KeyError):
        is_list = False
    return "" if is_list else "the body holds no list of ratings"


def _is_error(status: int, code: str) -> Callable[[Reply], str]:
    def fault(reply: Reply) -> str:
        if reply.status != status:
            return _unexpected(reply)
        if reply.error.get("code") != code or reply.error.get("status") != str(status):
            return f"the body is no error of Apple's shape with code {code}"
        return ""

    return fault


def _header_fault(replies: list[Reply]) -> str:
    if any(reply.headers.get("cache-control") != "private, no-store" for reply in replies):
        return "Cache-Control is not `private, no-store` everywhere"
    ids = {reply.headers.get("x-request-id") for reply in replies}
    return "" if None not in ids and len(ids) == len(replies) else "X-Request-Id is not unique"


def _unexpected(reply: Reply) -> str:
    code = str(reply.error.get("code", ""))
    shown = code if re.fullmatch(r"[0-9]{5}", code) else "no code"
    hint = f": {_HINTS[shown]}" if shown in _HINTS else ""
    return f"answered {reply.status} ({shown}){hint}"
