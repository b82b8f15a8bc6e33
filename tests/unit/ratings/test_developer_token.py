from base64 import urlsafe_b64encode
from collections.abc import Mapping
from typing import Any

import jwt
import pytest

from functions.ratings.aws_json import AwsError
from functions.ratings.deadline import Deadline
from functions.ratings.developer_token import DeveloperTokenSource, parse_developer_token
from functions.ratings.errors import DeveloperTokenMissingError
from functions.ratings.metrics import Metric
from tests.fakes.clock import FakeClock
from tests.fakes.observer import RecordingObserver

NOW = FakeClock().time()
HOUR = 3600


def signed(expires_at: object, *, issuer: str = "one") -> str:
    key = "a key that no one uses for anything else"
    return jwt.encode({"iss": issuer, "exp": expires_at}, key, algorithm="HS256")


def nested(text: str) -> str:
    """A part of a JWT with this JSON text."""
    return urlsafe_b64encode(text.encode()).decode().rstrip("=")


LONG = Deadline.after(6, FakeClock(now=0))


class FakeSecretsManager:
    """One secret; one that is an exception is raised, and one of bytes is no text."""

    def __init__(self, secret: object) -> None:
        self.secret = secret
        self.reads: list[str] = []

    def call(self, operation: str, request: Mapping[str, Any]) -> dict[str, Any]:
        assert operation == "GetSecretValue"
        self.reads.append(request["SecretId"])
        if isinstance(self.secret, Exception):
            raise self.secret
        return {"SecretBinary" if isinstance(self.secret, bytes) else "SecretString": self.secret}


DOWN = AwsError("ConnectError")


def source(
    client: FakeSecretsManager, clock: FakeClock, observer: RecordingObserver | None = None
) -> DeveloperTokenSource:
    return DeveloperTokenSource(
        client=client,
        secret_id="developer",
        clock=clock,
        observer=observer or RecordingObserver(),
    )


def test_the_token_is_read_once_and_kept() -> None:
    client, clock = FakeSecretsManager(signed(NOW + HOUR)), FakeClock()
    tokens = source(client, clock)

    first = tokens.current(LONG)
    clock.advance(HOUR - 301)

    assert tokens.current(LONG) is first
    assert client.reads == ["developer"]


def test_shortly_before_its_end_the_token_is_looked_for_anew() -> None:
    client, clock = FakeSecretsManager(signed(NOW + HOUR)), FakeClock()
    tokens = source(client, clock)
    tokens.current(LONG)
    client.secret = signed(NOW + 2 * HOUR)

    clock.advance(HOUR - 300)

    assert tokens.current(LONG).jwt == client.secret


@pytest.mark.parametrize("failure", [DOWN, "placeholder", signed(NOW - 1)])
def test_a_good_token_goes_on_while_the_secret_is_of_no_use_and_that_is_counted(
    failure: str | Exception,
) -> None:
    client, clock, observer = (
        FakeSecretsManager(signed(NOW + HOUR)),
        FakeClock(),
        RecordingObserver(),
    )
    tokens = source(client, clock, observer)
    good = tokens.current(LONG)
    assert observer.counted == {}
    client.secret = failure

    clock.advance(HOUR - 1)

    assert tokens.current(LONG) == good
    assert observer.counted == {Metric.DEVELOPER_TOKEN_NOT_READ: 1}
    clock.advance(1)
    with pytest.raises(DeveloperTokenMissingError):
        tokens.current(LONG)


def test_a_secret_that_cannot_be_read_is_not_asked_again_at_once_while_there_is_a_token() -> None:
    client, clock = FakeSecretsManager(signed(NOW + HOUR)), FakeClock()
    tokens = source(client, clock)
    tokens.current(LONG)
    client.secret = DOWN
    clock.advance(HOUR - 100)

    for _ in range(5):
        tokens.current(LONG)
    assert len(client.reads) == 2
    clock.advance(10)
    tokens.current(LONG)
    assert len(client.reads) == 3


def test_a_new_token_is_found_by_reading_again_but_not_twice_in_ten_seconds() -> None:
    client, clock = FakeSecretsManager(signed(NOW + HOUR, issuer="one")), FakeClock()
    tokens = source(client, clock)
    old = tokens.current(LONG)
    client.secret = signed(NOW + HOUR, issuer="two")

    clock.advance(9.9)
    assert tokens.reread(LONG) == old
    clock.advance(0.1)
    assert tokens.reread(LONG).jwt == client.secret


@pytest.mark.parametrize(
    ("failure", "reason"),
    [
        (DOWN, "the secret cannot be read: ConnectError"),
        (
            AwsError("AccessDeniedException"),
            "the secret cannot be read: AccessDeniedException",
        ),
        ("", "the secret is not a JWT"),
        (b"\x00", "the secret is not a JWT"),
        (None, "the secret is not a JWT"),
        (7, "the secret is not a JWT"),
        ({"S": "a.b.c"}, "the secret is not a JWT"),
        ("a.b.c", "the secret is not a JWT"),
        (
            jwt.encode({}, "a key that no one uses for anything else"),
            "the secret is a JWT without a usable `exp`",
        ),
        (signed(NOW), "the JWT in the secret has expired"),
    ],
)
def test_without_any_token_the_error_says_what_to_mend_and_it_is_counted(
    failure: object, reason: str
) -> None:
    """The log's `reason` is all that an operator sees of a secret that is of no use."""
    observer = RecordingObserver()

    with pytest.raises(DeveloperTokenMissingError) as raised:
        source(FakeSecretsManager(failure), FakeClock(), observer).current(LONG)

    assert str(raised.value) == reason
    assert observer.counted == {Metric.DEVELOPER_TOKEN_NOT_READ: 1}
    assert observer.reasons == [reason]


@pytest.mark.parametrize(
    "text",
    [
        "put the developer token here",
        signed(NOW + HOUR) + "\r\nX-Other: 1",
        signed(NOW + HOUR).replace(".", ". "),
        signed(NOW + HOUR) + "é",
        signed(NOW),
        signed(float("inf")),
        signed(float("nan")),
        signed(10**12),
        signed(True),
        signed(None),
        signed(10**400),
        jwt.encode({}, "a key that no one uses for anything else"),
        '{"token":"x"}',
        f"{nested('{}')}.{nested('{}')}.x",
        f"{nested('[' * 200_000)}.{nested('{}')}.x",
        f"{nested('{}')}.{nested('[' * 200_000)}.x",
    ],
    ids=lambda text: text[:40],
)
def test_what_is_no_jwt_of_the_future_is_no_token(text: str) -> None:
    with pytest.raises(DeveloperTokenMissingError) as raised:
        parse_developer_token(text, NOW)

    assert text not in str(raised.value)


def test_a_line_end_after_the_secret_is_nothing() -> None:
    token = signed(NOW + HOUR)

    assert source(FakeSecretsManager(token + "\n"), FakeClock()).current(LONG).jwt == token


def test_the_token_never_shows_itself() -> None:
    text = signed(NOW + HOUR)

    assert text not in repr(parse_developer_token(text, NOW))


def test_without_the_time_for_it_the_secret_is_not_read() -> None:
    client, clock = FakeSecretsManager(signed(NOW + HOUR)), FakeClock()
    tokens = source(client, clock)
    with pytest.raises(DeveloperTokenMissingError, match="no time left"):
        tokens.current(Deadline.after(0.9, clock))
    assert client.reads == []

    good = tokens.current(Deadline.after(1.0, clock))
    clock.advance(60)
    assert tokens.reread(Deadline.after(0.9, clock)) == good
    assert len(client.reads) == 1
