from base64 import urlsafe_b64encode
from typing import Any

import pytest

from functions.ratings.apple.developer_token import DeveloperTokenSource, parse_developer_token
from functions.ratings.errors import DeveloperTokenUnavailableError
from functions.ratings.metrics import Metric
from functions.shared.aws.json_client import AwsError
from functions.shared.deadline import Deadline
from tests.fakes.clock import FakeClock
from tests.fakes.observer import RecordingObserver
from tests.fakes.ratings_function import FakeSecret, developer_jwt

HOUR = 3600
NOW = FakeClock().time()
VALID = developer_jwt("one", NOW + HOUR)
OTHER = developer_jwt("two", NOW + 2 * HOUR)
DOWN = AwsError("ConnectError")


class Source:
    """A source of developer tokens, and its secret."""

    def __init__(self, text: Any = VALID) -> None:
        self.secret = FakeSecret(text)
        self.clock, self.observer = FakeClock(), RecordingObserver()
        self._source = DeveloperTokenSource(
            self.secret.call, secret_id="developer", clock=self.clock, observer=self.observer
        )

    def current(self, seconds: float = 6) -> str:
        return self._source.current(Deadline.after(seconds, self.clock)).jwt

    def reread(self, seconds: float = 6) -> str:
        return self._source.reread(Deadline.after(seconds, self.clock)).jwt


def test_the_token_is_read_once_and_again_five_minutes_before_its_expiry() -> None:
    source = Source(VALID + "\n")
    assert source.current() == VALID

    source.clock.advance(HOUR - 301)
    source.secret.text = OTHER
    assert (source.current(), source.secret.reads) == (VALID, 1)
    source.clock.advance(1)
    assert (source.current(), source.secret.reads) == (OTHER, 2)


@pytest.mark.parametrize("failure", [DOWN, "placeholder", developer_jwt(expires_at=NOW - 1)])
def test_a_failed_read_is_counted_and_a_valid_token_stays_in_use(
    failure: str | AwsError,
) -> None:
    source = Source()
    source.current()
    assert source.observer.counted == {}
    source.secret.text = failure

    source.clock.advance(HOUR - 1)
    assert source.current() == VALID
    assert source.observer.counted == {Metric.DEVELOPER_TOKEN_READ_FAILED: 1}
    source.clock.advance(1)
    with pytest.raises(DeveloperTokenUnavailableError):
        source.current()


def test_the_secret_is_read_at_most_once_in_ten_seconds_while_a_token_is_valid() -> None:
    source = Source()
    source.current()
    source.secret.text = OTHER

    source.clock.advance(9.9)
    assert source.reread() == VALID
    source.clock.advance(0.1)
    assert source.reread() == OTHER

    source.secret.text = DOWN
    source.clock.advance(10)
    assert [source.reread() for _ in range(5)] == [OTHER] * 5
    assert source.secret.reads == 3


@pytest.mark.parametrize("failure", [DOWN, "placeholder"])
def test_without_a_token_the_secret_is_read_at_most_once_in_two_seconds(
    failure: str | AwsError,
) -> None:
    source = Source(failure)

    for retry_after in (2, 2, 1, 1):
        with pytest.raises(DeveloperTokenUnavailableError) as raised:
            source.current()
        assert raised.value.retry_after == retry_after
        source.clock.advance(0.5)
    assert source.secret.reads == 1
    assert source.observer.counted == {Metric.DEVELOPER_TOKEN_READ_FAILED: 1}

    source.secret.text = VALID
    assert source.current() == VALID


def test_the_pause_between_reads_begins_when_a_read_has_ended() -> None:
    source = Source(DOWN)
    source.secret.clock, source.secret.takes = source.clock, 1.0
    with pytest.raises(DeveloperTokenUnavailableError) as raised:
        source.current()

    assert raised.value.retry_after == 2


def part(text: str) -> str:
    """A part of a JWT with this JSON text."""
    return urlsafe_b64encode(text.encode()).decode().rstrip("=")


REASONS: dict[str, list[object]] = {
    "the secret cannot be read: ConnectError": [DOWN],
    "the secret is not a JWT": [
        *("", b"\x00", None, 7, {"S": "a.b.c"}, "a.b.c", "put the token here", '{"token":"x"}'),
        *(VALID + "\r\nX-Other: 1", VALID.replace(".", ". "), VALID + "é"),
        f"{part('[' * 200_000)}.{part('{}')}.x",
        f"{part('{}')}.{part('[' * 200_000)}.x",
        f"{part('{}')}.{part('{}')}.x",
    ],
    "the secret is a JWT without a usable `exp`": [
        developer_jwt(expires_at=expires_at)
        for expires_at in (float("inf"), float("nan"), 10**12, True, None, 10**400)
    ],
    "the JWT in the secret has expired": [developer_jwt(expires_at=NOW)],
}


@pytest.mark.parametrize(
    ("reason", "text"),
    [(reason, text) for reason, texts in REASONS.items() for text in texts],
    ids=lambda value: repr(value)[:40],
)
def test_without_a_token_the_error_has_the_reason_and_is_counted(reason: str, text: object) -> None:
    source = Source(text)

    with pytest.raises(DeveloperTokenUnavailableError) as raised:
        source.current()

    assert str(raised.value) == reason
    assert source.observer.counted == {Metric.DEVELOPER_TOKEN_READ_FAILED: 1}
    assert source.observer.reasons == [reason]


def test_the_repr_of_a_token_hides_it() -> None:
    assert VALID not in repr(parse_developer_token(VALID, NOW))


def test_without_enough_time_the_secret_is_not_read() -> None:
    source = Source()
    with pytest.raises(DeveloperTokenUnavailableError, match="too little time"):
        source.current(seconds=0.9)
    assert source.secret.reads == 0

    assert source.current(seconds=1.0) == VALID
    source.clock.advance(60)
    assert source.reread(seconds=0.9) == VALID
    assert source.secret.reads == 1
