"""Tokens that look different in every encoding: none of those forms is ever told or stored."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import boto3
import pytest

from tests.canaries.encodings import forms
from tests.fakes.origin import Answering, http, origin, resets, sends, sends_and_closes
from tests.integration.conftest import TABLE
from tests.integration.ratings.test_handler import FOUND, TOKEN, Context, Deploy, aws, deploy, event

__all__ = ["aws", "deploy"]

if TYPE_CHECKING:
    from types_boto3_dynamodb import DynamoDBClient

CONTEXT = Context()
ODD = "canary\"'\\<&>%2F+/=;:~`{}[]()$#@!?|^*._-" + "0123456789"
QUOTED = {json.dumps(ODD)[1:-1], repr(ODD)[1:-1], ODD.replace("%", "%25")}

ANSWERS: dict[str, Answering] = {
    "200": FOUND,
    "400": sends(http(400, b'{"errors":[{"code":"40015","detail":"' + ODD.encode() + b'"}]}')),
    "401": sends(http(401, ODD.encode())),
    "403": sends(http(403, ODD.encode())),
    "404": sends(http(404, ODD.encode())),
    "429": sends(http(429, ODD.encode(), f"Retry-After: {ODD}")),
    "500": sends(http(500, ODD.encode())),
    "302": sends(http(302, b"", f"Location: https://elsewhere.test/{ODD}")),
    "a strange body": sends(http(200, json.dumps({"data": [{"id": ODD}]}).encode())),
    "a strange status line": sends_and_closes(f"HTTP/1.1 999 {ODD}\r\n\r\n".encode()),
    "a strange header": sends_and_closes(f"HTTP/1.1 200 OK\r\n{ODD}\r\n\r\n".encode()),
    "a lost connection": resets,
}


@pytest.mark.parametrize("answering", ANSWERS.values(), ids=ANSWERS)
def test_no_form_of_either_token_is_told_or_stored(
    deploy: Deploy,
    dynamodb: DynamoDBClient,
    capfd: pytest.CaptureFixture[str],
    answering: Answering,
) -> None:
    with origin(answering) as apple:
        function = deploy(apple)
        told = [
            function.handle({**event(ODD), "httpMethod": method, "body": body}, CONTEXT)
            for method, body in (
                ("GET", None),
                ("PUT", '{"type":"rating","attributes":{"value":1}}'),
                ("DELETE", None),
                ("PATCH", ODD),
                ("PUT", ODD),
            )
        ]
        told.append(function.handle(event(f"{ODD} "), CONTEXT))
        assert any(ODD.encode() in request for request in apple.requests)

    items = dynamodb.scan(TableName=TABLE)["Items"]
    everything = "\n".join((*map(str, told), str(items), *capfd.readouterr()))
    for form in forms(ODD) | QUOTED | forms(TOKEN):
        assert form not in everything


def test_a_developer_token_that_is_none_is_not_told_either(
    deploy: Deploy, capfd: pytest.CaptureFixture[str]
) -> None:
    with origin(FOUND) as apple:
        function = deploy(apple)
        boto3.client("secretsmanager").put_secret_value(
            SecretId="developer-token", SecretString=ODD
        )
        told = function.get()

    assert told["statusCode"] == 503
    everything = "\n".join((str(told), *capfd.readouterr()))
    for form in forms(ODD) | QUOTED:
        assert form not in everything
