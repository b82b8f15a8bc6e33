"""A token that looks different in every encoding: no form of it is returned, logged or stored."""

from __future__ import annotations

import json

import pytest

from tests.fakes.lambda_function import found, secret
from tests.fakes.origin import Answering, http, resets, sends, sends_and_closes
from tests.fakes.ratings_function import DEVELOPER_JWT
from tests.integration.conftest import Deploy
from tests.secret_scan.encodings import forms

ODD = "odd\"'\\<&>%2F+/=;:~`{}[]()$#@!?|^*._-" + "0123456789"
QUOTED = {json.dumps(ODD)[1:-1], repr(ODD)[1:-1], ODD.replace("%", "%25")}

RESPONSES: dict[str, Answering] = {
    "200": found(),
    "400": sends(http(400, b'{"errors":[{"code":"40015","detail":"' + ODD.encode() + b'"}]}')),
    "401": sends(http(401, ODD.encode())),
    "403": sends(http(403, ODD.encode())),
    "404": sends(http(404, ODD.encode())),
    "429": sends(http(429, ODD.encode(), f"Retry-After: {ODD}")),
    "500": sends(http(500, ODD.encode())),
    "302": sends(http(302, b"", f"Location: https://elsewhere.test/{ODD}")),
    "an invalid body": sends(http(200, json.dumps({"data": [{"id": ODD}]}).encode())),
    "an invalid status line": sends_and_closes(f"HTTP/1.1 999 {ODD}\r\n\r\n".encode()),
    "an invalid header": sends_and_closes(f"HTTP/1.1 200 OK\r\n{ODD}\r\n\r\n".encode()),
    "a lost connection": resets,
}


@pytest.mark.parametrize("answering", RESPONSES.values(), ids=RESPONSES)
def test_no_form_of_the_user_or_developer_token_is_returned_logged_or_stored(
    deploy: Deploy, capfd: pytest.CaptureFixture[str], answering: Answering
) -> None:
    function = deploy(apple=(answering,))
    responses = [function.call(method, ODD) for method in ("GET", "PUT", "DELETE")]
    responses += [function.call(method, ODD, body=ODD) for method in ("PATCH", "PUT")]
    responses.append(function.call("GET", f"{ODD} "))

    *_, requests = function.calls()
    assert ODD.encode() in b"".join(requests)
    visible = (*responses, function.table.items, capfd.readouterr())
    assert_without(ODD, DEVELOPER_JWT, text="\n".join(map(str, visible)))


def test_a_secret_that_is_not_a_developer_token_is_not_returned_or_logged(
    deploy: Deploy, capfd: pytest.CaptureFixture[str]
) -> None:
    response = deploy(secrets=secret(ODD)).call()

    assert response["statusCode"] == 503
    assert_without(ODD, text=f"{response}\n{capfd.readouterr()}")


def assert_without(*secrets: str, text: str) -> None:
    for form in QUOTED.union(*map(forms, secrets)):
        assert form not in text
