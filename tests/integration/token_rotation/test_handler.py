"""The deployed handler, with moto as AWS and an Apple on a real socket."""

import importlib
import itertools
import json
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from unittest.mock import Mock

import jwt
import pytest

from functions.shared.signing import signing_key_document
from functions.token_rotation.settings import Settings
from tests.fakes.origin import Answering, http, origin, sends, sends_and_closes
from tests.fakes.signing_keys import KEY_ID, TEAM_ID, p256_key, pem
from tests.integration.token_rotation.conftest import VERSION, client, start_rotation
from tests.secret_scan.encodings import forms_of_parts
from tests.secret_scan.plugin import DEBUG_SWITCHES

if TYPE_CHECKING:
    from types_boto3_secretsmanager import SecretsManagerClient

STEPS = ("createSecret", "setSecret", "testSecret", "finishSecret")
PLACEHOLDER = "no developer token yet: put one here"
NO_KEY = "no signing key yet: put one here"
PRIVATE_KEY = p256_key()
KEY = signing_key_document(pem(PRIVATE_KEY), KEY_ID, TEAM_ID)
OK = sends(http(200))
NOWHERE = "http://127.0.0.1:1"
SCHEDULED = {"source": "aws.events", "detail-type": "Scheduled Event", "detail": {}}
SERVICES = itertools.count()


@dataclass(frozen=True)
class Context:
    function_name: str = "rotation-dev"


@dataclass
class Service:
    """The handler in its own environment, and its two secrets."""

    handle: Callable[[dict[str, Any], Context], None]
    secrets: "SecretsManagerClient"
    output: pytest.CaptureFixture[str]

    def run(self, *steps: str) -> None:
        arn = self.secrets.describe_secret(SecretId="developer-token")["ARN"]
        for step in steps:
            event = {"Step": step, "SecretId": arn, "ClientRequestToken": VERSION}
            self.handle({**event, "RotationToken": "made-up"}, Context())

    def report(self) -> None:
        self.handle(SCHEDULED, Context())

    def token(self, label: str = "AWSCURRENT") -> str:
        value = self.secrets.get_secret_value(SecretId="developer-token", VersionStage=label)
        return value["SecretString"]

    def lines(self) -> list[dict[str, Any]]:
        """Return the log lines since the previous call."""
        return [json.loads(line) for line in self.output.readouterr().out.splitlines()]


Deploy = Callable[..., Service]


@pytest.fixture
def deploy(
    aws: None, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Iterator[Deploy]:
    def deployed(
        apple: str, *, key: str = KEY, token: str = PLACEHOLDER, debugging: bool = False
    ) -> Service:
        secrets = client("secretsmanager")
        secrets.create_secret(Name="developer-token", SecretString=token)
        secrets.create_secret(Name="signing-key", SecretString=key)
        start_rotation()
        settings = Settings(
            developer_token_secret_id="developer-token",
            signing_key_secret_id="signing-key",
            apple_music_url=apple,
        )
        # Powertools keeps one logger per service name in a process.
        service = f"rotation-{next(SERVICES)}"
        for name, value in {**settings.to_env(), "POWERTOOLS_SERVICE_NAME": service}.items():
            monkeypatch.setenv(name, value)
        for switch in () if debugging else DEBUG_SWITCHES:
            monkeypatch.delenv(switch)
        sys.modules.pop("functions.token_rotation.handler", None)
        module = importlib.import_module("functions.token_rotation.handler")
        capsys.readouterr()
        return Service(module.lambda_handler, secrets, capsys)

    yield deployed
    sys.modules.pop("functions.token_rotation.handler", None)


def metrics(lines: list[dict[str, Any]]) -> list[float]:
    """Return the values of `DeveloperTokenDaysLeft` in these log lines."""
    found = []
    for line in lines:
        for directive in line.get("_aws", {}).get("CloudWatchMetrics", []):
            assert directive["Namespace"] == "AppleMusicRatings"
            assert {frozenset(each) for each in directive["Dimensions"]} == {
                frozenset({"service", "function_name"})
            }
            assert [each["Name"] for each in directive["Metrics"]] == ["DeveloperTokenDaysLeft"]
            assert line["function_name"] == "rotation-dev"
            found.extend(line["DeveloperTokenDaysLeft"])
    return found


def messages(lines: list[dict[str, Any]]) -> list[str]:
    return [line["message"] for line in lines if "message" in line]


def test_running_each_step_twice_puts_a_new_token_into_use_and_reports_its_days_left(
    deploy: Deploy,
) -> None:
    with origin(OK) as apple:
        service = deploy(apple.url)
        service.run(*(step for step in STEPS for _ in range(2)))

    token = service.token()
    jwt.decode(token, PRIVATE_KEY.public_key(), algorithms=["ES256"])
    assert {line.split(b"\r\n")[0] for line in apple.requests} == {b"GET /v1/test HTTP/1.1"}
    assert all(f"Bearer {token}".encode() in request for request in apple.requests)
    assert service.token("AWSPREVIOUS") == PLACEHOLDER
    lines = service.lines()
    assert metrics(lines) == [60.0]
    assert messages(lines)[-2:] == ["the new token is in use", "the version is already in use"]


def test_before_a_key_is_set_each_step_logs_one_line(deploy: Deploy) -> None:
    with origin(OK) as apple:
        service = deploy(apple.url, key=NO_KEY)
        service.run("testSecret", *STEPS)

        assert apple.connections == 0
    lines = service.lines()
    assert messages(lines) == ["no signing key yet"] * 5
    assert {line["level"] for line in lines} == {"INFO"}
    assert service.token() == PLACEHOLDER


@pytest.mark.parametrize(
    ("answering", "reason"),
    [
        (sends(http(401)), "TokenRejectedError: Apple rejected the new token: status 401"),
        (sends(http(503)), "AppleUnavailableError: Apple is unavailable: status 503"),
    ],
)
def test_a_failed_step_raises_and_logs_the_reason_and_leaves_the_token_in_use(
    deploy: Deploy, answering: Answering, reason: str
) -> None:
    with origin(answering) as apple:
        service = deploy(apple.url)
        service.run("createSecret")
        service.lines()
        for step in ("testSecret", "finishSecret"):
            with pytest.raises(Exception, match=f"^{reason}$") as raised:
                service.run(step)

            assert type(raised.value).__name__ == "FailedError"
            assert raised.value.__context__ is None
            (line,) = service.lines()
            assert (line["level"], line["step"], line["reason"]) == ("ERROR", step, reason)
            assert line["version"] == VERSION
    assert service.token() == PLACEHOLDER


TEN_DAYS = jwt.encode({"exp": time.time() + 10.5 * 86_400}, "a key that no one uses for anything")


@pytest.mark.parametrize(
    ("token", "days", "logged"),
    [
        (TEN_DAYS, [10], ["the developer token in use"]),
        (PLACEHOLDER, [], ["no developer token yet"]),
    ],
)
def test_the_daily_report_sends_the_days_left_if_there_is_a_token(
    deploy: Deploy, token: str, days: Sequence[int], logged: Sequence[str]
) -> None:
    service = deploy(NOWHERE, token=token)

    service.report()

    lines = service.lines()
    assert ([int(left) for left in metrics(lines)], messages(lines)) == (days, logged)


def test_an_invalid_token_fails_the_daily_report(deploy: Deploy) -> None:
    service = deploy(NOWHERE, token="something-that-is-not-a-token")

    with pytest.raises(Exception, match="DeveloperTokenError: the secret's version is not a JWT"):
        service.report()
    assert "something-that-is" not in str(service.lines())


@pytest.mark.parametrize(
    ("event", "step"),
    [
        ({}, "report"),
        ({"source": "aws.s3", "ClientRequestToken": "a secret"}, "report"),
        ({"Step": "a secret", "SecretId": "x", "ClientRequestToken": VERSION}, "unknown"),
        ({"Step": ["a secret"], "SecretId": "x", "ClientRequestToken": VERSION}, "unknown"),
        ({"Step": "createSecret", "SecretId": "a secret"}, "createSecret"),
        ({"Step": "testSecret", "SecretId": "x", "ClientRequestToken": "a secret"}, "testSecret"),
        ({"Step": "setSecret", "SecretId": "x", "ClientRequestToken": "a.b.c" * 9}, "setSecret"),
    ],
)
def test_an_invalid_event_causes_an_error_that_does_not_quote_it(
    deploy: Deploy, event: dict[str, Any], step: str
) -> None:
    service = deploy(NOWHERE, key=NO_KEY)

    with pytest.raises(Exception, match="EventError") as raised:
        service.handle(event, Context())

    (line,) = service.lines()
    assert line["step"] == step
    assert "a secret" not in str(line) + str(raised.value)
    assert "a.b.c" not in str(line) + str(raised.value)


def test_no_output_and_no_error_shows_the_key_or_a_token(
    deploy: Deploy, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    output = ""

    def failing(service: Service, step: str) -> str:
        with pytest.raises(Exception, match="Error") as raised:
            service.run(step)
        return repr(raised.value) + str(raised.value.__context__)

    with origin(OK, sends(http(401)), sends_and_closes(b""), OK) as apple:
        service = deploy(apple.url, debugging=True)
        service.run("createSecret", "setSecret", "testSecret")
        output += failing(service, "finishSecret") + failing(service, "testSecret")
        for key in (KEY.replace(KEY_ID, "short"), KEY + "}", KEY):
            service.secrets.put_secret_value(SecretId="signing-key", SecretString=key)
            if key is not KEY:
                output += failing(service, "createSecret")
        defect = LookupError(f"{KEY} {service.token('AWSPENDING')}")
        with monkeypatch.context() as patched:
            patched.setattr("functions.token_rotation.rotation.expiry", Mock(side_effect=defect))
            output += failing(service, "testSecret")
        service.run("finishSecret")
        service.report()
        output += "".join(capsys.readouterr())
    assert "LookupError in" in output
    assert "the new token is in use" in output
    for form in forms_of_parts(pem(PRIVATE_KEY)) | forms_of_parts(service.token()):
        assert form not in output


def test_the_function_does_not_start_without_its_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DEVELOPER_TOKEN_SECRET_ID", raising=False)
    sys.modules.pop("functions.token_rotation.handler", None)

    with pytest.raises(ValueError, match="DEVELOPER_TOKEN_SECRET_ID is not set"):
        importlib.import_module("functions.token_rotation.handler")
