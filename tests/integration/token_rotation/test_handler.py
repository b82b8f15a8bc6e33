"""The deployed handler, wired as in Lambda, over moto's AWS and an Apple on a real socket."""

import importlib
import itertools
import json
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import boto3
import jwt
import pytest

from functions.token_rotation.settings import Settings
from functions.token_rotation.signing import signing_key_document
from tests.canaries.encodings import disguises
from tests.canaries.plugin import DEBUG_SWITCHES
from tests.fakes.origin import Answering, http, origin, sends, sends_and_closes
from tests.fakes.signing_keys import KEY_ID, TEAM_ID, p256_key, pem
from tests.integration.token_rotation.secrets import prepare_version

if TYPE_CHECKING:
    from types_boto3_secretsmanager import SecretsManagerClient

VERSION = "5f9d5cf5-7b5e-4a32-9b51-3f1f7c0e3b11"
STEPS = ("createSecret", "setSecret", "testSecret", "finishSecret")
PLACEHOLDER = "no developer token yet: put one here"
NO_KEY = "no signing key yet: put one here"
PRIVATE_KEY = p256_key()
KEY = signing_key_document(pem(PRIVATE_KEY), KEY_ID, TEAM_ID)
OK = sends(http(200))
DAILY = {"version": "0", "source": "aws.events", "detail-type": "Scheduled Event", "detail": {}}
SERVICES = itertools.count()


@dataclass(frozen=True)
class Context:
    function_name: str = "rotation-dev"
    aws_request_id: str = "lambda-1"


@dataclass
class Service:
    """The handler in an environment of its own, and the two secrets that it has."""

    handle: Callable[[dict[str, Any], Context], None]
    secrets: "SecretsManagerClient"
    output: pytest.CaptureFixture[str]

    def run(self, *steps: str) -> None:
        arn = self.secrets.describe_secret(SecretId="developer-token")["ARN"]
        for step in steps:
            event = {"Step": step, "SecretId": arn, "ClientRequestToken": VERSION}
            self.handle({**event, "RotationToken": "made-up"}, Context())

    def report(self) -> None:
        self.handle(DAILY, Context())

    def put(self, secret: str, text: str) -> None:
        self.secrets.put_secret_value(SecretId=secret, SecretString=text)

    def token(self, label: str = "AWSCURRENT") -> str:
        answer = self.secrets.get_secret_value(SecretId="developer-token", VersionStage=label)
        return answer["SecretString"]

    def lines(self) -> list[dict[str, Any]]:
        """What has been written since this was last asked."""
        return [json.loads(line) for line in self.output.readouterr().out.splitlines()]


Deploy = Callable[..., Service]


@pytest.fixture
def deploy(
    aws: None, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Iterator[Deploy]:
    def deployed(
        apple: str, *, key: str = KEY, token: str = PLACEHOLDER, debugging: bool = False
    ) -> Service:
        secrets = boto3.client("secretsmanager")
        secrets.create_secret(Name="developer-token", SecretString=token)
        secrets.create_secret(Name="signing-key", SecretString=key)
        prepare_version("developer-token", VERSION)
        settings = Settings(
            developer_token_secret_id="developer-token",
            signing_key_secret_id="signing-key",
            apple_music_url=apple,
        )
        # Powertools keeps the loggers of a process by service: a name for each test is a new one.
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
    """The days left that CloudWatch would find in these lines."""
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


def test_four_steps_put_a_new_token_into_use_and_tell_how_long_it_lives(deploy: Deploy) -> None:
    with origin(OK) as apple:
        service = deploy(apple.url)
        service.run(*STEPS)

    token = service.token()
    claims = jwt.decode(token, PRIVATE_KEY.public_key(), algorithms=["ES256"])
    assert claims["iss"] == TEAM_ID
    assert claims["exp"] - claims["iat"] == 60 * 86_400
    assert abs(claims["iat"] - time.time()) < 60
    assert jwt.get_unverified_header(token)["kid"] == KEY_ID
    assert {line.split(b"\r\n")[0] for line in apple.requests} == {b"GET /v1/test HTTP/1.1"}
    assert all(f"Bearer {token}".encode() in request for request in apple.requests)
    assert service.token("AWSPREVIOUS") == PLACEHOLDER
    lines = service.lines()
    assert metrics(lines) == [60.0]
    assert messages(lines)[-1] == "the new token is in use"


def test_every_step_may_be_repeated(deploy: Deploy) -> None:
    with origin(OK) as apple:
        service = deploy(apple.url)
        service.run(*(step for step in STEPS for _ in range(2)))
        token = service.token()
        service.run(*STEPS)

    assert service.token() == token
    assert messages(service.lines())[-4:] == ["the version is in use already"] * 4


@pytest.mark.parametrize("token", [PLACEHOLDER, "a.hand-put.token"])
def test_before_a_key_is_put_each_step_is_one_plain_line(deploy: Deploy, token: str) -> None:
    with origin(OK) as apple:
        service = deploy(apple.url, key=NO_KEY, token=token)
        service.run("testSecret", *STEPS)

        assert apple.connections == 0
    lines = service.lines()
    assert messages(lines) == ["no signing key yet"] * 5
    assert {line["level"] for line in lines} == {"INFO"}
    assert service.token() == token


@pytest.mark.parametrize(
    ("answering", "reason"),
    [
        (sends(http(401)), "TokenRefusedError: Apple refuses the new token: it answered 401"),
        (sends(http(403)), "TokenRefusedError: Apple refuses the new token: it answered 403"),
        (sends(http(503)), "AppleUnavailableError: Apple is down: it answered 503"),
    ],
)
def test_a_failed_step_raises_says_why_and_leaves_the_token_in_use(
    deploy: Deploy, answering: Answering, reason: str, monkeypatch: pytest.MonkeyPatch
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
    assert service.token() == PLACEHOLDER


def test_the_daily_report_tells_the_days_left_of_the_token_in_use(deploy: Deploy) -> None:
    ten_days = time.time() + 10 * 86_400 + 60
    key = "a key that no one uses for anything else"
    service = deploy("http://127.0.0.1:1", token=jwt.encode({"exp": ten_days}, key))

    service.report()

    assert metrics(service.lines()) == [10.0]


def test_the_daily_report_of_a_placeholder_is_one_plain_line(deploy: Deploy) -> None:
    service = deploy("http://127.0.0.1:1")

    service.report()

    lines = service.lines()
    assert (metrics(lines), messages(lines)) == ([], ["no developer token yet"])


def test_a_token_that_is_none_fails_the_daily_report(deploy: Deploy) -> None:
    service = deploy("http://127.0.0.1:1", token="something-that-is-no-token-at-all")

    with pytest.raises(Exception, match="DeveloperTokenError: the secret's version is not a JWT"):
        service.report()
    assert "something-that-is" not in str(service.lines())


@pytest.mark.parametrize(
    "event",
    [
        {},
        {"Step": "dropSecret", "SecretId": "developer-token", "ClientRequestToken": VERSION},
        {"Step": "createSecret", "SecretId": "developer-token"},
        {"Step": "setSecret", "SecretId": "developer-token", "ClientRequestToken": "a.b.c" * 9},
        {"Step": ["setSecret"], "SecretId": "developer-token", "ClientRequestToken": VERSION},
        {"source": "aws.s3"},
    ],
)
def test_any_other_event_is_an_error(deploy: Deploy, event: dict[str, Any]) -> None:
    service = deploy("http://127.0.0.1:1")

    with pytest.raises(Exception, match="EventError"):
        service.handle(event, Context())


@pytest.mark.parametrize(
    ("event", "step"),
    [
        ({"Step": "a secret", "SecretId": "x", "ClientRequestToken": VERSION}, "unknown"),
        ({"Step": ["a secret"]}, "unknown"),
        ({"Step": "testSecret", "SecretId": "x", "ClientRequestToken": "a secret"}, "testSecret"),
        ({"ClientRequestToken": "a secret"}, "report"),
    ],
)
def test_the_log_quotes_nothing_of_an_unknown_event(
    deploy: Deploy, event: dict[str, Any], step: str
) -> None:
    service = deploy("http://127.0.0.1:1", key=NO_KEY)

    with pytest.raises(Exception, match="EventError") as raised:
        service.handle(event, Context())

    (line,) = service.lines()
    assert line["step"] == step
    assert "a secret" not in str(line) + str(raised.value)


def test_neither_key_nor_token_is_ever_told(
    deploy: Deploy, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    told = ""

    def failing(service: Service, *steps: str) -> str:
        with pytest.raises(Exception, match="Error") as raised:
            service.run(*steps)
        return repr(raised.value) + str(raised.value.__context__)

    with origin(OK, sends(http(401)), sends_and_closes(b""), OK) as apple:
        service = deploy(apple.url, debugging=True)
        service.run("createSecret", "setSecret", "testSecret")
        told += failing(service, "finishSecret") + failing(service, "testSecret")
        broken = KEY.replace(KEY_ID, "short")
        service.put("signing-key", broken)
        told += failing(service, "createSecret")
        service.put("signing-key", KEY + "}")
        told += failing(service, "createSecret")
        service.put("signing-key", KEY)
        defect = LookupError(f"{KEY} {service.token('AWSPENDING')}")
        with monkeypatch.context() as patched:
            patched.setattr("functions.token_rotation.rotation.expiry", broken_by(defect))
            told += failing(service, "testSecret")
        service.run("finishSecret")
        service.report()
        told += "".join(capsys.readouterr())
    assert "LookupError in" in told
    assert "the new token is in use" in told
    for form in disguises(pem(PRIVATE_KEY)) | disguises(service.token()):
        assert form not in told


def broken_by(defect: Exception) -> Callable[[str], float]:
    def broken(text: str) -> float:
        raise defect

    return broken


def test_a_function_without_its_settings_does_not_start(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("DEVELOPER_TOKEN_SECRET_ID", "SIGNING_KEY_SECRET_ID"):
        monkeypatch.delenv(name, raising=False)
    sys.modules.pop("functions.token_rotation.handler", None)

    with pytest.raises(ValueError, match="DEVELOPER_TOKEN_SECRET_ID is not set"):
        importlib.import_module("functions.token_rotation.handler")
