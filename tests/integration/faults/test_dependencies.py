"""The whole handler over real sockets, while DynamoDB, Secrets Manager or Lambda fails it."""

from __future__ import annotations

import importlib
import json
import socket
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

import pytest

from functions.ratings.metrics import Metric
from functions.ratings.settings import Settings
from tests.fakes.origin import Origin, origin
from tests.integration.faults.apple_behaviours import ADA, SONG
from tests.integration.faults.dependency_faults import CELLS, TABLE, Answers, Cell
from tests.integration.faults.told import assert_told

OUTCOMES = {Metric.ANSWERED, Metric.FAILED}
CACHE = {Metric.CACHE_HIT, Metric.CACHE_MISS, Metric.CACHE_STALE, Metric.CACHE_BYPASS}
NOTICED = {metric.value: metric for metric in set(Metric) - OUTCOMES - CACHE}


@dataclass
class Context:
    milliseconds: int
    aws_request_id: str = "lambda-1"
    function_name: str = "ratings-dev"

    def get_remaining_time_in_millis(self) -> int:
        return self.milliseconds


def event(method: str, token: str) -> dict[str, Any]:
    body = json.dumps({"type": "rating", "attributes": {"value": 1}})
    return {
        "resource": "/v1/me/ratings/{type}/{id}",
        "httpMethod": method,
        "pathParameters": {"type": SONG.type, "id": SONG.id},
        "multiValueHeaders": {"Music-User-Token": [token]},
        "requestContext": {"extendedRequestId": "gateway-1"},
        "body": body if method == "PUT" else None,
    }


class World:
    """DynamoDB, Secrets Manager and Apple on real sockets, and the handler among them."""

    def __init__(
        self,
        cell: Cell,
        stack: ExitStack,
        monkeypatch: pytest.MonkeyPatch,
        variables: Mapping[str, str],
    ) -> None:
        self.dynamodb, dynamodb_url = _serve(cell.dynamodb, stack)
        self.secrets, secrets_url = _serve(cell.secret, stack)
        self.apple = stack.enter_context(origin(cell.apple))
        for name, value in {
            "AWS_ACCESS_KEY_ID": "made-up",
            "AWS_SECRET_ACCESS_KEY": "made-up",
            "AWS_DEFAULT_REGION": "eu-west-1",
            "AWS_ENDPOINT_URL_DYNAMODB": dynamodb_url,
            "AWS_ENDPOINT_URL_SECRETS_MANAGER": secrets_url,
            "POWERTOOLS_SERVICE_NAME": "apple-music-ratings",
            **variables,
        }.items():
            monkeypatch.setenv(name, value)
        settings = Settings(
            cache_table_name=TABLE,
            developer_token_secret_id="developer-token",
            apple_music_url=self.apple.url,
            cache_timeout_milliseconds=cell.cache_milliseconds,
        )
        for name, value in settings.to_env().items():
            monkeypatch.setenv(name, value)
        # It is built once from its environment, when it is imported.
        monkeypatch.delitem(sys.modules, "functions.ratings.handler", raising=False)
        self.handle = importlib.import_module("functions.ratings.handler").lambda_handler

    def asked(self) -> tuple[int, int, int]:
        """How often each was, since this was last asked."""
        counts = []
        for served in (self.dynamodb, self.secrets, self.apple):
            counts.append(0 if served is None else len(served.requests))
            if served is not None:
                served.requests.clear()
        dynamodb, secrets, apple = counts
        return dynamodb, secrets, apple


def _serve(answers: Answers | None, stack: ExitStack) -> tuple[Origin | None, str]:
    if answers is None:
        with socket.create_server(("127.0.0.1", 0)) as listener:
            return None, f"http://127.0.0.1:{listener.getsockname()[1]}"
    served = stack.enter_context(origin(*answers()))
    return served, served.url


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


@pytest.mark.parametrize(
    "cell",
    [pytest.param(cell, id=f"{cell.dependency}: {cell.fault}, {cell.case}") for cell in CELLS],
)
def test_what_the_caller_is_told_and_the_operator_too(
    cell: Cell,
    stack: ExitStack,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    world = World(cell, stack, monkeypatch, {})
    if cell.warm:
        # Not by a request that the cache would be asked for.
        warming = event("GET", "somebody-else") | {"queryStringParameters": {"include": "content"}}
        assert world.handle(warming, Context(cell.milliseconds))["statusCode"] == 200
        assert world.asked() == (0, 1, 1)
        capsys.readouterr()
    started = time.monotonic()

    answer = world.handle(event(cell.method, ADA.value), Context(cell.milliseconds))

    taken = time.monotonic() - started
    assert_told(cell.told, answer, taken)
    assert world.asked() == cell.asked
    line = json.loads(capsys.readouterr().out)
    counted = {NOTICED[name]: sum(line[name]) for name in NOTICED.keys() & line.keys()}
    counted.pop(Metric.UPSTREAM_LATENCY, None)
    assert counted == cell.noticed


def test_each_cell_has_a_name_of_its_own() -> None:
    assert len({(cell.dependency, cell.fault, cell.case) for cell in CELLS}) == len(CELLS)
