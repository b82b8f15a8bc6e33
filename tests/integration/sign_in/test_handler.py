"""The deployed handler, with a Secrets Manager on a real socket."""

from __future__ import annotations

import importlib
import json
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any
from unittest.mock import Mock

import jwt
import pytest

from functions.shared.signing import signing_key_document
from functions.sign_in.settings import Settings
from tests.fakes.lambda_function import Context, aws_json, error_code
from tests.fakes.origin import Answering, Origin, origin, refusing_port, stays_silent
from tests.fakes.signing_keys import KEY_ID, TEAM_ID, p256_key, pem
from tests.secret_scan.encodings import forms_of_parts

HANDLER = "functions.sign_in.handler"
PRIVATE_KEY = p256_key()
KEY = signing_key_document(pem(PRIVATE_KEY), KEY_ID, TEAM_ID)
PAGE = "https://app.example"
SECRET = aws_json({"SecretString": KEY})
DENIED = aws_json({"__type": "AccessDeniedException", "Message": KEY}, 400)
NO_KEY = aws_json({"SecretString": "no signing key yet: put one here"})


@dataclass
class Function:
    handle: Callable[[dict[str, Any], Context], dict[str, Any]]
    secrets: Origin | None
    output: pytest.CaptureFixture[str]

    def call(self, *origins: str) -> dict[str, Any]:
        event = {
            "resource": "/developer-token",
            "httpMethod": "GET",
            "multiValueHeaders": {"Origin": list(origins)} if origins else {},
            "requestContext": {"extendedRequestId": "gateway-1"},
        }
        return self.handle(event, Context(function_name="sign-in-dev"))

    def lines(self) -> list[dict[str, Any]]:
        """Return the log lines since the previous call."""
        return [json.loads(line) for line in self.output.readouterr().out.splitlines()]


Deploy = Callable[..., Function]


@pytest.fixture
def deploy(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Iterator[Deploy]:
    with ExitStack() as stack:

        def deployed(*answers: Answering) -> Function:
            secrets = stack.enter_context(origin(*answers)) if answers else None
            port = stack.enter_context(refusing_port())
            settings = Settings(signing_key_secret_id="signing-key", allowed_origins=(PAGE,))
            for name, value in {
                **settings.to_env(),
                "AWS_ACCESS_KEY_ID": "made-up",
                "AWS_SECRET_ACCESS_KEY": "made-up",
                "AWS_DEFAULT_REGION": "eu-west-1",
                "AWS_ENDPOINT_URL_SECRETS_MANAGER": (
                    secrets.url if secrets else f"http://127.0.0.1:{port}"
                ),
                "POWERTOOLS_SERVICE_NAME": "apple-music-ratings",
            }.items():
                monkeypatch.setenv(name, value)
            monkeypatch.delitem(sys.modules, HANDLER, raising=False)
            return Function(importlib.import_module(HANDLER).lambda_handler, secrets, capsys)

        yield deployed
    sys.modules.pop(HANDLER, None)


def sent(line: dict[str, Any]) -> tuple[str, float]:
    """Return the name and the value of the only metric in a log line."""
    (directive,) = line["_aws"]["CloudWatchMetrics"]
    assert directive["Namespace"] == "AppleMusicRatings"
    assert [set(each) for each in directive["Dimensions"]] == [{"service", "function_name"}]
    assert line["function_name"] == "sign-in-dev"
    ((name,), (value,)) = ([each["Name"] for each in directive["Metrics"]], line[_name(directive)])
    return name, value


def _name(directive: dict[str, Any]) -> str:
    return str(directive["Metrics"][0]["Name"])


def test_apps_and_listed_pages_get_a_signed_token_of_15_minutes(deploy: Deploy) -> None:
    function = deploy(SECRET)

    documents = [json.loads(function.call(*origins)["body"]) for origins in ((), (PAGE,), ())]

    claims = [
        jwt.decode(each["token"], PRIVATE_KEY.public_key(), algorithms=["ES256"])
        for each in documents
    ]
    assert [each["exp"] - each["iat"] for each in claims] == [900] * 3
    assert [each.get("origin") for each in claims] == [None, [PAGE], None]
    assert documents[0] == documents[2]
    assert function.secrets is not None
    assert len(function.secrets.requests) == 2
    lines = function.lines()
    assert [sent(line) for line in lines] == [("SignInSucceeded", 1.0)] * 3
    assert [line["signed"] for line in lines] == [True, True, False]
    assert {(line["level"], line["status"], line["request_id"]) for line in lines} == {
        ("INFO", 200, "gateway-1")
    }


def test_a_page_of_another_origin_is_rejected_before_the_key_is_read(deploy: Deploy) -> None:
    function = deploy(SECRET)

    response = function.call("https://other.example")

    assert (response["statusCode"], error_code(response)) == (403, "40391")
    assert "Access-Control-Allow-Origin" not in response["headers"]
    assert function.secrets is not None
    assert function.secrets.requests == []
    (line,) = function.lines()
    assert (sent(line), line["level"]) == (("SignInRejected", 1.0), "INFO")
    assert "other.example" not in str(line)


@pytest.mark.parametrize(
    ("answers", "code", "reason"),
    [
        ((NO_KEY,), "50392", "no signing key yet"),
        ((DENIED,), "50393", "Secrets Manager: AccessDeniedException"),
        ((), "50393", "Secrets Manager: ConnectError"),
        ((stays_silent,), "50393", "Secrets Manager: ExchangeTimeoutError"),
    ],
    ids=["no key yet", "denied", "refused", "silent"],
)
def test_without_a_key_the_response_is_503_and_the_reason_is_logged(
    deploy: Deploy, answers: tuple[Answering, ...], code: str, reason: str
) -> None:
    function = deploy(*answers)

    response = function.call(PAGE)

    assert (response["statusCode"], error_code(response)) == (503, code)
    assert response["headers"]["Access-Control-Allow-Origin"] == PAGE
    (line,) = function.lines()
    assert (sent(line), line["level"], line["reason"]) == (("SignInFailed", 1.0), "ERROR", reason)


def test_no_output_and_no_error_shows_the_key_or_a_sign_in_token(
    deploy: Deploy, monkeypatch: pytest.MonkeyPatch
) -> None:
    function = deploy(SECRET, DENIED, aws_json({"SecretString": KEY + "}"}), SECRET)
    token = json.loads(function.call()["body"])["token"]
    responses = [function.call(PAGE), function.call(PAGE)]
    with monkeypatch.context() as patched:
        defect = LookupError(f"{KEY} {token}")
        patched.setattr("functions.sign_in.tokens.sign_developer_token", Mock(side_effect=defect))
        responses.append(function.call(PAGE))

    assert [error_code(response) for response in responses] == ["50393", "50393", "50090"]
    output = function.output.readouterr()
    assert "LookupError in" in output.out
    for form in forms_of_parts(pem(PRIVATE_KEY)) | forms_of_parts(token):
        assert form not in f"{output}{responses}"


def test_the_function_does_not_start_without_its_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SIGNING_KEY_SECRET_ID", raising=False)
    sys.modules.pop(HANDLER, None)

    with pytest.raises(ValueError, match="SIGNING_KEY_SECRET_ID is not set"):
        importlib.import_module(HANDLER)
