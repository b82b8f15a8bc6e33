"""The ratings function, assembled as in its handler, over Apple Music and AWS in memory."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import count
from random import Random
from typing import Any, Final

import jwt

from functions.ratings.api.routes import Routes
from functions.ratings.cache.lookup import ReadResult
from functions.ratings.cache.policy import CachePolicy
from functions.ratings.models import (
    BARE,
    MusicUserToken,
    QueryOptions,
    Rating,
    RatingKey,
    RatingValue,
    ReadRequest,
    WriteRequest,
)
from functions.ratings.service import Dependencies, assemble
from functions.shared.aws.json_client import AwsCall, AwsError
from functions.shared.deadline import Deadline
from functions.shared.http.messages import Request, Response
from tests.fakes.apple_music import FakeAppleMusic
from tests.fakes.clock import FakeClock
from tests.fakes.dynamodb import FakeDynamoDB, step
from tests.fakes.observer import RecordingObserver

TABLE: Final = "ratings"
POLICY: Final = CachePolicy(fresh_seconds=60, stale_if_error_seconds=3600, deadline_seconds=6)
ADA: Final = MusicUserToken("sample-user-token-ada")
GRACE: Final = MusicUserToken("sample-user-token-grace")
SONG: Final = RatingKey(type="library-songs", id="i.a")
CATALOG_SONG: Final = RatingKey(type="songs", id="907242702")
"""The same song as `SONG`."""

EXTENDED: Final = (
    QueryOptions(include="content"),
    QueryOptions(extend="artistUrl", language="de"),
)


_SEEDS: Final = count()
"""Each environment has its own, so that no two write ids are equal."""


def developer_jwt(issuer: str = "one", expires_at: object = 2_000_000_000) -> str:
    key = "a key that is used for nothing else"
    return jwt.encode({"iss": issuer, "exp": expires_at}, key, algorithm="HS256")


DEVELOPER_JWT: Final = developer_jwt()


class FakeSecret:
    """The secret with the developer token; if `text` is an `AwsError`, a read raises it.

    Each read takes `takes` seconds of the clock.
    """

    def __init__(
        self, text: str | AwsError = DEVELOPER_JWT, clock: FakeClock | None = None
    ) -> None:
        self.text = text
        self.clock = clock or FakeClock()
        self.takes = 0.0
        self.reads = 0

    def call(self, operation: str, request: Mapping[str, Any]) -> dict[str, Any]:
        assert (operation, request) == ("GetSecretValue", {"SecretId": "developer"})
        self.reads += 1
        self.clock.advance(self.takes)
        if isinstance(self.text, AwsError):
            raise self.text
        return {"SecretString": self.text}


class InMemoryFunction:
    """One environment of the function, and its collaborators.

    `calls` has, in order, the steps of the cache (`read`, `store`, `open`, `close`, `invalidate`,
    `repair`) and the methods of the requests to Apple. `before` gets each entry before the call is
    sent. `call` replaces the DynamoDB in memory.
    """

    def __init__(
        self,
        *,
        apple: FakeAppleMusic | None = None,
        call: AwsCall | None = None,
        policy: CachePolicy = POLICY,
        observer: RecordingObserver | None = None,
        before: Callable[[str], object] = lambda _: None,
        clock: FakeClock | None = None,
        chance: Random | None = None,
    ) -> None:
        self.apple = apple or FakeAppleMusic()
        self.clock = clock = clock or self.apple.clock
        self.dynamodb = FakeDynamoDB()
        self.secret = FakeSecret(clock=clock)
        self.observer = observer = observer or RecordingObserver()
        self.calls: list[str] = []
        self._aws_call = call or self.dynamodb.call
        self._before = before
        self.reads, self.writes = assemble(
            Dependencies(
                dynamodb=self._call,
                secrets_manager=self.secret.call,
                apple_music=self._send,
                clock=clock,
                sleep=clock.advance,
                random=chance or Random(next(_SEEDS)),
                observer=observer,
            ),
            table_name=TABLE,
            secret_id="developer",
            policy=policy,
        )
        self.client = self.reads.apple
        self.resilient_client = self.client.client
        self.routes = Routes(read=self.reads.read, write=self.writes.write)

    def read(
        self,
        *ids: str,
        token: MusicUserToken = ADA,
        type_name: str = SONG.type,
        options: QueryOptions = BARE,
        seconds: float = 6,
    ) -> ReadResult:
        """Read `SONG`, or the items with these ids; several ids make a list request."""
        keys = tuple(RatingKey(type=type_name, id=item_id) for item_id in ids or (SONG.id,))
        request = ReadRequest(token=token, keys=keys, options=options, is_list=len(keys) > 1)
        return self.reads.read(request, Deadline.after(seconds, self.clock))

    def write(
        self,
        value: RatingValue | None,
        *,
        token: MusicUserToken = ADA,
        key: RatingKey = SONG,
        language: str | None = None,
        seconds: float = 6,
    ) -> Rating:
        request = WriteRequest(token=token, key=key, value=value, language=language)
        return self.writes.write(request, Deadline.after(seconds, self.clock))

    def _call(self, operation: str, request: Mapping[str, Any]) -> dict[str, Any]:
        self._record(step(operation, request))
        return self._aws_call(operation, request)

    def _send(self, request: Request, deadline: Deadline) -> Response:
        self._record(request.method)
        return self.apple.send(request, deadline)

    def _record(self, step_name: str) -> None:
        self.calls.append(step_name)
        self._before(step_name)
