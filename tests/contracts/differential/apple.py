"""A model of Apple Music for the differential test: accounts, items under two ids, and faults.

It shares no code with the function except the messages of the transport. Values are 1, -1, and 0,
which means not rated; times are in epoch seconds.
"""

from __future__ import annotations

import json
from bisect import insort
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from random import Random
from typing import Final, NamedTuple
from urllib.parse import parse_qs, urlsplit

from functions.shared.deadline import Deadline
from functions.shared.http import messages
from functions.shared.http.messages import Request, Response, TransportError
from tests.fakes.apple_music import FakeAppleMusic, rating, response

LAGS: Final = (0.0, 0.0, 1.0, 4.0)
"""Seconds until reads include a write; the function assumes 5 at most."""

QUICK: Final[tuple[float, ...]] = (0.0, 0.05, 0.2)
SLOW: Final[tuple[float, ...]] = (0.1, 0.4, 1.2, 3.0)
"""How many seconds a response takes."""

LATE_SECONDS: Final = 30.0
"""The longest delay of a write whose response was lost; the function allows 60, including lag."""


class Name(NamedTuple):
    """A type and an id that name an item; most items have two names."""

    type: str
    id: str

    @property
    def family(self) -> str:
        return self.type.removeprefix("library-")

    @property
    def item(self) -> tuple[str, str]:
        """Identifies the item: its catalog id and its library id end with the same digit."""
        return self.family, self.id[-1]


def _names(count: int, **prefixes: str) -> list[Name]:
    return [
        Name(type_name.replace("_", "-"), f"{prefix}{number}")
        for number in range(1, count + 1)
        for type_name, prefix in prefixes.items()
    ]


FAMILIES: Final = {
    "songs": _names(8, songs="", library_songs="i."),
    "albums": _names(3, albums="", library_albums="l."),
    "music-videos": _names(3, music_videos="", library_music_videos="i."),
    "playlists": _names(3, playlists="pl.", library_playlists="p."),
    "stations": _names(4, stations="ra."),
}
"""All names by family. `songs` has more names than the cache keeps answers (10); in the small
families, writes often change the same item."""


@dataclass(frozen=True, kw_only=True)
class Fault:
    """A failed `response` of Apple, and the `status` and `code` that the client then receives.

    A `definite` fault proves that Apple did not apply a write. A stale copy may be served only
    after a `failure`.
    """

    response: Response | TransportError
    status: int
    code: str
    definite: bool = False
    failure: bool = True

    def __str__(self) -> str:
        cause = self.response
        name = cause.status if isinstance(cause, Response) else type(cause).__name__
        return f"{name} -> {self.status}/{self.code}"


def _rejected(status: int, code: str) -> Fault:
    return Fault(response=response(status), status=status, code=code, definite=True, failure=False)


_PAGE: Final = "<html><title>An edge</title></html>"
_ROUTE: Final = json.dumps({"errors": [{"code": "40401", "status": "404"}]})

SILENT: Final = Fault(response=messages.ExchangeTimeoutError("late"), status=504, code="50490")
REFUSED: Final = Fault(response=messages.ConnectError("refused"), status=502, code="50290")
FORBIDDEN: Final = _rejected(403, "40300")
UNAUTHORIZED: Final = _rejected(401, "40191")
FAULTS: Final = (
    *(Fault(response=response(status), status=502, code="50290") for status in (500, 502)),
    Fault(response=messages.ConnectionLostError("reset"), status=502, code="50290"),
    Fault(response=response(504, _PAGE, content_type="text/html"), status=504, code="50490"),
    Fault(response=response(503), status=503, code="50391"),
    Fault(response=response(503, retry_after="2"), status=503, code="50391"),
    Fault(response=response(429), status=429, code="42991", definite=True),
    Fault(response=response(429, retry_after="3"), status=429, code="42991", definite=True),
    Fault(response=response(404, _ROUTE), status=502, code="50291", definite=True),
    Fault(
        response=response(404, _PAGE, content_type="text/html"),
        status=502,
        code="50291",
        definite=True,
    ),
    SILENT,
    REFUSED,
    FORBIDDEN,
    UNAUTHORIZED,
    _rejected(400, "40000"),
)
UNUSABLE: Final = Fault(response=response(200, "[]"), status=502, code="50291")
"""Only for reads: for a write, this response means that Apple accepted it."""


class Attempt(NamedTuple):
    """One request for ratings to Apple, and its result.

    `values` has the ratings that the response to a read proves. A write is `clear` if its response
    proves the rating, `unknown` if the function must assume that it may still take effect.
    """

    names: tuple[Name, ...]
    fault: Fault | None
    values: Mapping[Name, int]
    clear: bool
    unknown: bool
    ended: float

    def __str__(self) -> str:
        values = {name.id: value for name, value in self.values.items()}
        flags = " clear" * self.clear + " unknown" * self.unknown
        return f"{','.join(name.id for name in self.names)}: {self.fault or values}{flags}"

    @property
    def was_sent(self) -> bool:
        return self.fault is not REFUSED


class AppleModel(FakeAppleMusic):
    """Several tokens may have the same account. `plan` has the faults of the next attempts."""

    def __init__(self, chance: Random, accounts: Mapping[str, str]) -> None:
        super().__init__()
        self._chance = chance
        self._accounts = accounts
        self._applied: dict[object, list[tuple[float, float, int]]] = defaultdict(list)
        self.revoked_until: dict[str, float] = {}
        self.takes_seconds = QUICK
        self.plan: list[Fault | None] = []
        self.attempts: list[Attempt] = []

    def send(self, request: Request, deadline: Deadline) -> Response:
        target = urlsplit(request.target)
        if target.path == "/v1/test":
            return response(200)
        type_name, *item_ids = target.path.split("/")[4:]
        item_ids = item_ids or parse_qs(target.query)["ids"][0].split(",")
        token = request.headers["Music-User-Token"]
        fault = self.plan.pop(0) if self.plan else None
        if self.clock.time() < self.revoked_until.get(token, 0):
            fault = FORBIDDEN
        seconds = self._chance.choice(self.takes_seconds)
        if fault is SILENT or seconds >= deadline.remaining():
            fault, seconds = SILENT, deadline.remaining()
        names = tuple(Name(type_name, item_id) for item_id in item_ids)
        if request.method == "GET":
            returned, values = self._read(self._accounts[token], names, target.query)
            fault = fault or (UNUSABLE if self._chance.random() < 0.01 else None)
            clear = unknown = False
        else:
            returned, clear = self._write(self._accounts[token], names[0], request.body, fault)
            values, unknown = {}, returned.resent or not (fault is None or fault.definite)
        self.clock.advance(seconds)
        self.attempts.append(Attempt(names, fault, values, clear, unknown, self.clock.time()))
        if fault is None:
            return returned
        if isinstance(fault.response, TransportError):
            raise fault.response
        return fault.response

    def _read(
        self, account: str, names: tuple[Name, ...], query: str
    ) -> tuple[Response, Mapping[Name, int]]:
        now, is_list = self.clock.time(), "ids=" in query
        values = {name: self._value(account, name, now) for name in names}
        rated = [name for name in names if values[name]]
        more = {}
        if (
            is_list and self._chance.random() < 0.1
        ):  # a page of a list proves nothing about the rest
            more, rated = {"next": "/v1/me/ratings"}, rated[:1]
            values = {name: values[name] for name in rated}
        if not rated and not more and self._chance.random() < (0.5 if is_list else 1):
            return response(404), values
        prefix = "r." if "include=" not in query and self._chance.random() < 0.1 else ""
        resources = [rating(prefix + name.id, values[name], href="") for name in rated]
        return response(200, json.dumps({"data": resources, **more})), values

    def _write(
        self, account: str, name: Name, body: bytes | None, fault: Fault | None
    ) -> tuple[Response, bool]:
        now, effect = self.clock.time(), 0.0
        value = json.loads(body)["attributes"]["value"] if body else 0
        was_rated = self._value(account, name, now) != 0
        if fault is not None and (fault.definite or fault is REFUSED):
            return response(500), False
        if fault is not None:
            effect = self._chance.choice((0.0, 0.0, 3.0, LATE_SECONDS, float("inf")))
        applied_at = now + effect
        lag = self._chance.choice(LAGS)
        insort(self._applied[account, name.item], (applied_at, applied_at + lag, value))
        resent = self._chance.random() < 0.03
        if value == 0:
            return response(204 if was_rated else 404, resent=resent), True
        resource = rating(name.id, value, href="")
        bodies = (json.dumps({"data": [resource]}), '{"data":[]}', "{}", "")
        wrong = json.dumps({"data": [{**resource, "id": "another"}]})
        text = wrong if self._chance.random() < 0.1 else self._chance.choice(bodies)
        return response(200, text, resent=resent), text != wrong

    def _value(self, account: str, name: Name, now: float) -> int:
        """The value that a read returns now: the visible change that was applied last."""
        visible = [each for each in self._applied[account, name.item] if each[1] <= now]
        return visible[-1][2] if visible else 0
