"""The ratings function, wired as in its handler, over Apple Music and AWS in memory."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from typing import Any, Final

import jwt

from functions.ratings.api.routes import Routes
from functions.ratings.apple.client import AppleClient
from functions.ratings.apple.developer_token import DeveloperTokenSource
from functions.ratings.apple.rejected_tokens import RejectedTokens
from functions.ratings.apple.resilient_client import ResilientClient
from functions.ratings.cache.dynamodb import DynamoDBCache
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
from functions.ratings.reads import Reads
from functions.ratings.resilience import CacheBypass
from functions.ratings.writes import Writes
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

    `calls` has, in order, the steps of the cache (`read`, `store`, `open`, `close`, `invalidate`)
    and the methods of the requests to Apple. `before` is called before each entry. `call` replaces
    the DynamoDB in memory.
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
    ) -> None:
        self.apple = apple or FakeAppleMusic()
        self.clock = clock = clock or self.apple.clock
        self.dynamodb = FakeDynamoDB()
        self.secret = FakeSecret(clock=clock)
        self.observer = observer = observer or RecordingObserver()
        self.calls: list[str] = []
        self._aws_call = call or self.dynamodb.call
        self._before = before
        self.cache = DynamoDBCache(
            self._call,
            table_name=TABLE,
            policy=policy,
            clock=clock,
            random=random.SystemRandom(),  # write ids differ between environments
            bypass=CacheBypass(clock, observer),
            observer=observer,
        )
        self.resilient_client = ResilientClient(
            self._send,
            clock=clock,
            sleep=clock.advance,
            random=random.Random(0),
            observer=observer,
        )
        tokens = DeveloperTokenSource(
            self.secret.call, secret_id="developer", clock=clock, observer=observer
        )
        self.client = client = AppleClient(
            self.resilient_client, developer_tokens=tokens, clock=clock, observer=observer
        )
        rejected = RejectedTokens(clock)
        self.reads = Reads(cache=self.cache, apple=client, clock=clock, rejected_tokens=rejected)
        self.writes = Writes(cache=self.cache, apple=client, clock=clock, rejected_tokens=rejected)
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
