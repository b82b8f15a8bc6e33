"""The deployed handler, wired as in Lambda, over moto's AWS and an Apple on a real socket."""

import importlib
import itertools
import json
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import boto3
import jwt
import pytest

from functions.ratings.aws_json import AwsJson
from functions.ratings.settings import Settings
from functions.shared import metrics
from tests.fakes.origin import Answering, Origin, http, origin, sends, stays_silent
from tests.integration.conftest import TABLE
from tests.patience import LATE_SECONDS

if TYPE_CHECKING:
    from types_boto3_dynamodb import DynamoDBClient

TOKEN = jwt.encode({"exp": 4_000_000_000}, "a key that no one uses for anything else")
RATING = {
    "id": "i.a",
    "type": "ratings",
    "href": "/v1/me/ratings/library-songs/i.a",
    "attributes": {"value": 1},
}
MOST_LOG_BYTES = 700
FOUND = sends(http(200, json.dumps({"data": [RATING]}).encode(), "Content-Type: application/json"))


@dataclass(frozen=True)
class Context:
    aws_request_id: str = "lambda-1"
    function_name: str = "ratings-dev"
    milliseconds: int = 10_000

    def get_remaining_time_in_millis(self) -> int:
        return self.milliseconds


@dataclass
class Function:
    """The handler in an environment of its own, and the calls to AWS that it made."""

    handle: Callable[[dict[str, Any], Context], dict[str, Any]]
    calls: list[str] = field(default_factory=list)

    def many(self, *ids: str) -> dict[str, Any]:
        return self.handle(
            {
                **event("sample-user-token-ada"),
                "resource": "/v1/me/ratings/{type}",
                "pathParameters": {"type": "library-songs"},
                "multiValueQueryStringParameters": {"ids": [",".join(ids)]},
            },
            Context(),
        )

    def write(
        self, method: str, body: str | None = None, *, milliseconds: int = 10_000
    ) -> dict[str, Any]:
        request = {"httpMethod": method, "body": body}
        context = Context(milliseconds=milliseconds)
        return self.handle({**event("sample-user-token-ada"), **request}, context)

    def get(
        self, token: str = "sample-user-token-ada", *, milliseconds: int = 10_000
    ) -> dict[str, Any]:
        return self.handle(event(token), Context(milliseconds=milliseconds))


def event(token: str) -> dict[str, Any]:
    return {
        "resource": "/v1/me/ratings/{type}/{id}",
        "path": "/v1/me/ratings/library-songs/i.a",
        "httpMethod": "GET",
        "pathParameters": {"type": "library-songs", "id": "i.a"},
        "headers": {"Music-User-Token": token},
        "multiValueHeaders": {"Music-User-Token": [token]},
        "queryStringParameters": None,
        "multiValueQueryStringParameters": None,
        "requestContext": {"requestId": "gateway-1"},
        "body": None,
        "isBase64Encoded": False,
    }


SERVICES = itertools.count()

Deploy = Callable[[Origin], Function]


@pytest.fixture
def aws(served_aws: None) -> None:
    """An account for the function, which speaks to it by HTTP."""


@pytest.fixture
def deploy(dynamodb: "DynamoDBClient", monkeypatch: pytest.MonkeyPatch) -> Iterator[Deploy]:
    boto3.client("secretsmanager").create_secret(Name="developer-token", SecretString=TOKEN)

    def deployed(apple: Origin) -> Function:
        settings = Settings(
            cache_table_name=TABLE,
            developer_token_secret_id="developer-token",
            apple_music_url=apple.url,
            deadline_seconds=6,
            # moto takes a fifth of a second for a hundred items.
            cache_timeout_milliseconds=2_000,
        )
        # Powertools keeps the loggers of a process by service: a name for each test is a new one.
        service = f"ratings-{next(SERVICES)}"
        for name, value in {**settings.to_env(), "POWERTOOLS_SERVICE_NAME": service}.items():
            monkeypatch.setenv(name, value)
        sys.modules.pop("functions.ratings.handler", None)
        function = Function(importlib.import_module("functions.ratings.handler").lambda_handler)
        monkeypatch.setattr(AwsJson, "call", counting(function.calls))
        return function

    yield deployed
    sys.modules.pop("functions.ratings.handler", None)


def counting(calls: list[str]) -> Callable[..., Any]:
    """See every call to AWS."""
    original = AwsJson.call

    def call(self: AwsJson, operation: str, request: Mapping[str, Any]) -> dict[str, Any]:
        calls.append(f"{self.name}.{operation}")
        return original(self, operation, request)

    return call


def counted(line: dict[str, Any]) -> dict[str, int]:
    """The counts in a line of CloudWatch's embedded metric format, by the metric's name."""
    (sent,) = line["_aws"]["CloudWatchMetrics"]
    assert sent["Namespace"] == metrics.NAMESPACE
    assert sent["Dimensions"] == [[metrics.FUNCTION_DIMENSION, metrics.SERVICE_DIMENSION]]
    assert line[metrics.FUNCTION_DIMENSION] == "ratings-dev"
    counts = {each["Name"] for each in sent["Metrics"] if each["Unit"] == "Count"}
    return {name: sum(line[name]) for name in counts}


def cache_status(answer: dict[str, Any]) -> str:
    status: str = answer["headers"]["Cache-Status"]
    return status.removeprefix("apple-music-ratings; ")


def test_a_miss_then_a_hit_that_is_one_call_and_no_other(deploy: Deploy) -> None:
    with origin(FOUND) as apple:
        function = deploy(apple)

        miss = function.get()
        assert function.calls == [
            "dynamodb.BatchGetItem",
            "secretsmanager.GetSecretValue",
            "dynamodb.PutItem",
        ]
        function.calls.clear()
        hit = function.get()

        assert function.calls == ["dynamodb.BatchGetItem"]
        assert len(apple.requests) == 1
    assert (miss["statusCode"], cache_status(miss)) == (200, "fwd=miss; stored")
    assert cache_status(hit) in ("hit; ttl=60", "hit; ttl=59")
    assert hit["headers"]["Age"] in ("0", "1")
    assert hit["body"] == miss["body"]
    assert json.loads(hit["body"]) == {"data": [RATING]}
    assert hit["headers"]["X-Request-Id"] == "gateway-1"


def test_another_users_token_never_meets_the_first_ones_copy(deploy: Deploy) -> None:
    disliked = {**RATING, "attributes": {"value": -1}}
    other = sends(http(200, json.dumps({"data": [disliked]}).encode()))
    with origin(FOUND, other) as apple:
        function = deploy(apple)

        assert '"value":1' in function.get("ada")["body"]
        assert '"value":-1' in function.get("grace")["body"]
        assert '"value":1' in function.get("ada")["body"]
        assert '"value":-1' in function.get("grace")["body"]


NONE_RATED = sends(http(200, b'{"data":[]}', "Content-Type: application/json"))
READ, STORE, STORE_MANY, ADVANCE = (
    f"dynamodb.{call}" for call in ("BatchGetItem", "PutItem", "BatchWriteItem", "UpdateItem")
)


@pytest.mark.parametrize(
    ("cached", "calls", "asked"),
    [
        (0, [READ] * 2 + [STORE_MANY] * 4, 100),
        (50, [READ] * 2 + [STORE_MANY] * 2, 50),
        (100, [READ] * 2, 0),
    ],
)
def test_many_ask_apple_once_for_what_is_missing(
    deploy: Deploy, cached: int, calls: list[str], asked: int
) -> None:
    ids = [f"i.{number}" for number in range(100)]
    with origin(NONE_RATED) as apple:
        function = deploy(apple)
        function.get()  # the developer token is read, and kept
        if cached:
            function.many(*ids[:cached])
        function.calls.clear()
        apple.requests.clear()

        answer = function.many(*ids)

        assert json.loads(answer["body"]) == {"data": []}
        assert function.calls == calls
        assert [request.count(b"i.") for request in apple.requests] == [asked] * (asked > 0)


@pytest.mark.parametrize(
    ("method", "body", "apples_answer", "status"),
    [
        ("PUT", '{"type":"rating","attributes":{"value":1}}', FOUND, 200),
        ("DELETE", None, sends(http(204)), 204),
    ],
)
def test_a_write_is_two_updates_one_store_and_one_call_to_apple(
    deploy: Deploy, method: str, body: str | None, apples_answer: Answering, status: int
) -> None:
    with origin(FOUND, apples_answer) as apple:
        function = deploy(apple)
        function.get()
        function.calls.clear()

        assert function.write(method, body)["statusCode"] == status

        assert function.calls == [ADVANCE, ADVANCE, STORE]
        assert len(apple.requests) == 2
        assert function.get()["statusCode"] == (200 if body else 404)
        assert len(apple.requests) == 2


def test_bad_input_asks_neither_apple_nor_aws(deploy: Deploy) -> None:
    with origin(FOUND) as apple:
        function = deploy(apple)

        assert function.get("a b")["statusCode"] == 401
        assert (function.calls, apple.connections) == ([], 0)


def test_the_answer_is_there_before_the_deadline_and_before_lambda_ends(deploy: Deploy) -> None:
    with origin(stays_silent) as apple:
        function = deploy(apple)

        answer = function.get(milliseconds=3000)

    assert answer["statusCode"] == 504
    assert json.loads(answer["body"])["errors"][0]["code"] == "50490"


def test_half_a_second_of_lambdas_time_is_left(deploy: Deploy) -> None:
    with origin(stays_silent) as apple:
        function = deploy(apple)
        started = time.monotonic()

        answer = function.get(milliseconds=2500)

        assert time.monotonic() - started < 2.0 + LATE_SECONDS
    assert answer["statusCode"] == 504


def test_without_time_apple_is_not_asked(deploy: Deploy) -> None:
    with origin(FOUND) as apple:
        function = deploy(apple)

        read, write = function.get(milliseconds=400), function.write("DELETE", milliseconds=400)

        assert (read["statusCode"], write["statusCode"]) == (503, 503)
        assert apple.requests == []


def test_no_proxy_of_the_environment_is_used(
    deploy: Deploy, monkeypatch: pytest.MonkeyPatch
) -> None:
    with origin(FOUND) as apple, origin(FOUND) as proxy:
        for name in ("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"):
            monkeypatch.setenv(name, proxy.url)
        assert deploy(apple).get()["statusCode"] == 200
        assert proxy.connections == 0


@pytest.mark.parametrize("odd", [None, [], "event", {}, {"headers": 7, "body": []}])
def test_an_event_that_is_none_has_no_route(deploy: Deploy, odd: Any) -> None:
    with origin(FOUND) as apple:
        answer = deploy(apple).handle(odd, Context())

    assert answer["statusCode"] == 404
    assert answer["headers"]["X-Request-Id"] == "lambda-1"


def test_without_dynamodb_apple_still_answers(
    deploy: Deploy, dynamodb: "DynamoDBClient", capsys: pytest.CaptureFixture[str]
) -> None:
    dynamodb.delete_table(TableName=TABLE)
    with origin(FOUND) as apple:
        answer = deploy(apple).get()

    assert (answer["statusCode"], cache_status(answer)) == (200, "fwd=bypass")
    line = json.loads(capsys.readouterr().out)
    assert line["level"] == "WARNING"
    assert line["noticed"] == ["CacheReadFailed: ResourceNotFoundException"]
    assert counted(line) == {"Answered": 1, "CacheBypass": 1, "CacheReadFailed": 1}


def test_each_request_leaves_one_line_without_a_secret(
    deploy: Deploy, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with origin(FOUND) as apple:
        function = deploy(apple)
        capsys.readouterr()
        function.get("sample-user-token-ada")
        logged = "".join(capsys.readouterr())

    assert "sample-user-token-ada" not in logged
    assert TOKEN not in logged
    assert logged.count("gateway-1") == 1


def test_a_hit_leaves_one_short_line_that_is_log_and_metrics(
    deploy: Deploy, capsys: pytest.CaptureFixture[str]
) -> None:
    with origin(FOUND) as apple:
        function = deploy(apple)
        function.get()
        capsys.readouterr()
        function.get()
        (logged,) = capsys.readouterr().out.splitlines()

    line = json.loads(logged)
    milliseconds = line.pop("milliseconds")
    assert 0 < milliseconds < 1000
    assert counted(line) == {"Answered": 1, "CacheHit": 1}
    assert {
        name: line[name] for name in line.keys() - {"_aws", "service"} - set(counted(line))
    } == {
        "level": "INFO",
        "message": "/v1/me/ratings/{type}/{id}",
        "request_id": "gateway-1",
        "function_request_id": "lambda-1",
        "method": "GET",
        "status": 200,
        "cache": "apple-music-ratings; hit; ttl=60",
        "function_name": "ratings-dev",
    }
    assert len(logged) <= MOST_LOG_BYTES


def test_that_there_is_no_developer_token_is_counted(
    deploy: Deploy, capsys: pytest.CaptureFixture[str]
) -> None:
    boto3.client("secretsmanager").put_secret_value(
        SecretId="developer-token", SecretString="no developer token yet"
    )
    with origin(FOUND) as apple:
        answer = deploy(apple).get()

    assert (answer["statusCode"], cache_status(answer)) == (503, "fwd=miss")
    line = json.loads(capsys.readouterr().out)
    assert counted(line) == {
        "Failed": 1,
        "CacheMiss": 1,
        "NoDeveloperToken": 1,
        "DeveloperTokenNotRead": 1,
    }
    assert line["level"] == "ERROR"
    assert (line["error"], line["reason"]) == (
        "DeveloperTokenMissingError",
        "the secret is not a JWT",
    )


def test_a_defect_is_an_answer_that_tells_nothing(
    deploy: Deploy, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise LookupError("sample-user-token-ada")

    with origin(FOUND) as apple:
        function = deploy(apple)
        monkeypatch.setattr("functions.ratings.routes.rating_key", broken)
        answer = function.get("sample-user-token-ada")

    assert answer["statusCode"] == 500
    assert json.loads(answer["body"])["errors"][0]["code"] == "50090"
    logged = "".join(capsys.readouterr())
    assert "sample-user-token-ada" not in logged + str(answer)
    assert "LookupError in" in logged


def test_a_function_without_its_settings_does_not_start(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("CACHE_TABLE_NAME", "DEVELOPER_TOKEN_SECRET_ID"):
        monkeypatch.delenv(name, raising=False)
    sys.modules.pop("functions.ratings.handler", None)

    with pytest.raises(ValueError, match="CACHE_TABLE_NAME is not set"):
        importlib.import_module("functions.ratings.handler")
