"""The developer token is replaced while requests go on, and no request notices."""

from __future__ import annotations

import itertools
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import boto3
import pytest

from functions.ratings.developer_token import REREAD_SECONDS
from functions.token_rotation.signing import parse_signing_key, sign_developer_token
from local.apple_music import AppleMusic
from local.developer_key import DeveloperKey
from local.http_server import HttpAnswer, HttpRequest, HttpServer
from local.ratings_store import RatingsStore
from local.state import LocalState
from tests.e2e.local_service import LocalService, Reply
from tests.patience import SAFETY_NET_SECONDS

ADA, EVE = "sample-user-token-ada", "made-up-token-eve"
ROTATIONS = 4
READERS = 4


@dataclass(slots=True)
class Reading:
    """Requests that each went to Apple Music, and the replies that were no answer."""

    count: int = 0
    failures: list[Reply | Exception] = field(default_factory=list)
    end: threading.Event = field(default_factory=threading.Event)

    def read(self, ask: Callable[[int], Reply], numbers: Iterator[int]) -> None:
        while not self.end.is_set():
            try:
                reply = ask(next(numbers))
            except OSError as error:
                self.failures.append(error)
                continue
            self.count += 1
            # Each song is asked for once and is rated by nobody: only Apple can say so.
            if (reply.status, reply.cache) != (404, "apple-music-ratings; fwd=miss; stored"):
                self.failures.append(reply)


@contextmanager
def reading(service: LocalService, user_token: str) -> Iterator[Reading]:
    """Read from several threads for as long as the block lasts."""
    reading, numbers = Reading(), itertools.count(1)

    def ask(number: int) -> Reply:
        return service.ask(f"/v1/me/ratings/songs/{number}", user_token)

    threads = [threading.Thread(target=reading.read, args=(ask, numbers)) for _ in range(READERS)]
    for thread in threads:
        thread.start()
    try:
        yield reading
    finally:
        reading.end.set()
        for thread in threads:
            thread.join()


@pytest.fixture
def signing_service() -> Iterator[LocalService]:
    """A service that signs its own tokens, apart from the one that other tests share."""
    service = LocalService()
    yield service
    service.end(signal.SIGTERM)


def secret(service: LocalService, name: str) -> str:
    state = LocalState.read(service.state_file)
    client = boto3.client(
        "secretsmanager",
        endpoint_url=state.aws_url,
        region_name=state.region,
        aws_access_key_id="local",
        aws_secret_access_key="local",
    )
    value = client.get_secret_value(SecretId=str(getattr(state, name)))["SecretString"]
    client.close()
    return value


@pytest.mark.long
def test_rotations_under_traffic_fail_no_request(
    signing_service: LocalService, record_property: Callable[[str, object], None]
) -> None:
    tokens = {secret(signing_service, "developer_token_secret")}
    with reading(signing_service, ADA) as traffic:
        for _ in range(ROTATIONS):
            rotated = signing_service.ops("rotate")
            assert (rotated.exit_status, rotated.errors) == (0, "")
            tokens.add(secret(signing_service, "developer_token_secret"))
    record_property("requests", traffic.count)
    record_property("failures", len(traffic.failures))
    assert traffic.failures == []
    assert traffic.count > 10 * ROTATIONS
    assert len(tokens) == 1 + ROTATIONS


@pytest.mark.long
def test_a_key_that_apple_refuses_leaves_the_token_and_is_told(
    signing_service: LocalService,
) -> None:
    service = signing_service
    token = secret(service, "developer_token_secret")
    good_key = parse_signing_key(secret(service, "signing_key_secret"))
    good_document = secret(service, "signing_key_secret")
    bad_key = DeveloperKey.generate(key_id="REFUSED001")

    put = service.ops(
        *("put-signing-key", "--yes", "--key-id", "REFUSED001", "--team-id", good_key.team_id, "-"),
        given=bad_key.private_key,
    )
    assert put.exit_status == 0
    failed = service.ops("rotate", "--timeout", "10")
    assert failed.exit_status == 1
    assert "the old one stays in use. Why stands in what `make run` prints" in failed.errors

    assert secret(service, "developer_token_secret") == token
    assert service.ask("/v1/me/ratings/songs/1", ADA).status == 404
    assert "key id         LOCALKEY01" in service.ops("token").output
    assert service.ops("smoke", MUSIC_USER_TOKEN=ADA).exit_status == 0

    ending = service.end(signal.SIGTERM)
    assert "Apple refuses the new token: it answered 401" in ending.errors
    everything = "".join(
        [ending.output, ending.errors, put.output, put.errors, failed.output, failed.errors]
    )
    for key in (bad_key.private_key, good_document.replace("\\n", "\n")):
        assert not [line for line in key.splitlines()[1:-1] if line in everything]
    assert token.rpartition(".")[2] not in everything


class TwoKeys:
    """Apple Music to a team that has two keys, until the old one is revoked."""

    def __init__(self, old: DeveloperKey, new: DeveloperKey) -> None:
        store = RatingsStore(items=(), ratings={EVE: {}}, clock=time.monotonic)
        self.old, self.new = (
            AppleMusic(store=store, trusted_key=key.trusted, clock=time.time) for key in (old, new)
        )
        self.is_old_revoked = False

    def answer(self, request: HttpRequest) -> HttpAnswer:
        answer = self.new.answer(request)
        if answer.status == 401 and not self.is_old_revoked:
            return self.old.answer(request)
        return answer

    def refusal(self, status: int) -> HttpAnswer:
        return self.new.refusal(status)


@pytest.mark.long
def test_a_key_is_revoked_after_its_token_was_replaced_and_no_request_fails(
    record_property: Callable[[str, object], None],
) -> None:
    old, new = DeveloperKey.generate(), DeveloperKey.generate(key_id="LOCALKEY02")
    old_token, new_token = (
        sign_developer_token(parse_signing_key(key.document), now=time.time(), life_seconds=3_600)
        for key in (old, new)
    )
    apple = TwoKeys(old, new)
    with HttpServer() as server:
        server.start(apple)
        service = LocalService(APPLE_MUSIC_URL=server.url, DEVELOPER_TOKEN=old_token)
        with reading(service, EVE) as traffic:
            # Until then each environment holds by what it read of the secret last.
            time.sleep(REREAD_SECONDS + 2)
            put = service.ops("put-token", "--yes", "-", given=new_token)
            assert (put.exit_status, put.errors) == (0, "")
            apple.is_old_revoked = True
            so_far = traffic.count
            end = time.monotonic() + SAFETY_NET_SECONDS
            while traffic.count < so_far + 10 * READERS and time.monotonic() < end:
                time.sleep(0.05)
        service.end(signal.SIGTERM)
    record_property("requests", traffic.count)
    record_property("failures", len(traffic.failures))
    assert traffic.failures == []
    assert traffic.count >= so_far + 10 * READERS
