"""The examples for app developers: against the running service, and against each of its errors."""

from __future__ import annotations

import json
import os
import re
import runpy
import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest

from tests.e2e.running_service import RunningService
from tests.fakes.origin import Answering, http, origin, parsed, resets, sends, stays_silent
from tests.patience import SAFETY_NET_SECONDS
from tests.secret_scan.scanner import SCANNER

EXAMPLES: Final = Path(__file__).parents[2] / "examples"
TOKEN: Final = "made-up-token-of-an-example"
LANGUAGES: Final = ("python", pytest.param("typescript", marks=pytest.mark.long))


@pytest.fixture(params=LANGUAGES)
def command(request: pytest.FixtureRequest) -> list[str]:
    if request.param == "python":
        return [sys.executable, str(EXAMPLES / "python" / "ratings.py")]
    folder: Path = request.getfixturevalue("built")
    return ["node", str(folder / "main.js")]


def run(*command: str, token: str = TOKEN) -> subprocess.CompletedProcess[str]:
    ended = subprocess.run(  # noqa: S603 - the examples of this project
        command,
        env={**os.environ, "MUSIC_USER_TOKEN": token},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=SAFETY_NET_SECONDS,
        check=False,
    )
    SCANNER.record("output of processes", ended.stdout)
    return ended


def test_an_example_likes_a_song_reads_a_list_and_deletes_the_rating(
    service: RunningService, command: list[str]
) -> None:
    output = run(*command, service.url, token="sample-user-token-ada").stdout

    expected = r"liked: 1\nof 250 songs, rated: 1\ndeleted: (None|undefined)\n"
    assert re.fullmatch(expected, output), output


@pytest.mark.long
def test_the_commands_of_the_page_for_app_developers_work(
    service: RunningService, built: Path
) -> None:
    page = (EXAMPLES.with_name("docs") / "apps.md").read_text("utf-8")
    blocks = "\n".join(re.findall(r"^```sh\n(.*?)^```", page, re.MULTILINE | re.DOTALL))
    skipped = r"^(make run|npm ci|pip install|python3 -m http.server) ?.*"
    commands = re.sub(skipped, "", blocks, flags=re.MULTILINE)
    commands = commands.replace("cd examples", f"cd {EXAMPLES}")
    commands = commands.replace("python examples", f"{sys.executable} {EXAMPLES}")
    commands = commands.replace("node examples", f"node {EXAMPLES}")

    ended = run("bash", "-ec", commands.replace("http://127.0.0.1:8080", service.url))

    assert (ended.returncode, ended.stdout.count("liked: 1")) == (0, 2), ended.stdout
    assert ended.stdout.count('"attributes":{"value":1}') == 2  # the PUT and the GET of curl


def error(status: int, code: str, *headers: str) -> Answering:
    body = json.dumps({"errors": [{"status": str(status), "code": code}]}).encode()
    return sends(http(status, body, JSON, "X-Request-Id: r-1", *headers))


JSON: Final = "Content-Type: application/json"
RATED: Final = sends(
    http(200, b'{"data": [{"id": "1500000001", "attributes": {"value": 1}}]}', JSON)
)
NOT_RATED: Final = error(404, "40400")
WHOLE: Final = "PUT GET GET GET GET DELETE GET"
"""The methods of a run without an error: a list of 250 songs takes three requests."""


@pytest.mark.parametrize(
    ("answers", "output", "methods"),
    [
        ([error(401, "40191")], "sign-in: status 401, code 40191, request r-1", "PUT"),
        ([error(403, "40300")], "sign-in: status 403, code 40300, request r-1", "PUT"),
        ([error(401, "40192")], "report: status 401, code 40192, request r-1", "PUT"),
        ([error(403, "40390")], "report: status 403, code 40390, request r-1", "PUT"),
        ([sends(http(403, b"<html>"))], "report: status 403, code none", "PUT"),
        ([NOT_RATED], "report: status 404, code 40400", "PUT"),
        ([error(429, "42990", "Retry-After: 60")], "try-later: status 429", "PUT"),
        ([error(429, "42991", "Retry-After: 1")], "try-later: status 429", "PUT PUT"),
        ([error(503, "50391", "Retry-After: 1"), RATED], "liked: 1", f"PUT {WHOLE}"),
        ([error(504, "50490"), RATED], "liked: 1", WHOLE.replace("PUT", "PUT GET")),
        ([error(504, "50490"), NOT_RATED], "read-again: status 504", "PUT GET"),
        ([error(502, "50291")], "read-again: status 502, code 50291", "PUT GET"),
        ([resets], "read-again: status 0, code none", "PUT GET"),
        ([RATED, error(502, "50290")], "try-later: status 502, code 50290", "PUT GET"),
        ([RATED, sends(http(200, b"<html>"))], "report: status 200, code none", "PUT GET"),
    ],
)
def test_an_example_handles_each_error_by_its_status_and_code(
    command: list[str], answers: list[Answering], output: str, methods: str
) -> None:
    with origin(*answers) as service:
        ended = run(*command, service.url)

    assert output in ended.stdout
    received = [parsed(request) for request in service.requests]
    assert " ".join(line.split()[0] for line, _, _ in received) == methods
    assert {headers["music-user-token"] for _, headers, _ in received} == {TOKEN}
    assert json.loads(received[0][2]) == {"type": "rating", "attributes": {"value": 1}}


def test_an_example_sends_the_token_to_no_other_host(command: list[str]) -> None:
    with (
        origin(RATED) as other,
        origin(sends(http(307, b"", f"Location: {other.url}/"))) as service,
    ):
        assert "failed" in run(*command, service.url).stdout

    assert other.requests == []


@pytest.mark.long
def test_an_example_sends_an_api_key_if_it_has_one(built: Path) -> None:
    script = """
        import { RatingsClient } from "./ratings-client.js";
        await new RatingsClient(process.argv[2], "made-up-token-1", "a-key").get("songs", "1");
    """
    (built / "key.js").write_text(script)
    client = runpy.run_path(str(EXAMPLES / "python" / "ratings.py"))["RatingsClient"]

    with origin(RATED) as service:
        client(service.url, "made-up-token-1", "a-key").get("songs", "1")
        run("node", str(built / "key.js"), service.url)

    assert [parsed(request)[1]["x-api-key"] for request in service.requests] == ["a-key", "a-key"]


@pytest.mark.long
@pytest.mark.parametrize("answer", [stays_silent, error(429, "42990", "Retry-After: 10")])
def test_a_request_from_typescript_can_be_aborted(built: Path, answer: Answering) -> None:
    script = """
        import { RatingsClient } from "./ratings-client.js";
        const client = new RatingsClient(process.argv[2], process.env.MUSIC_USER_TOKEN);
        const request = client.get("songs", "1", AbortSignal.timeout(500));
        request.catch((error) => { console.log(error.name); process.exit(); });
    """
    (built / "abort.js").write_text(script)

    with origin(answer) as service:
        assert run("node", str(built / "abort.js"), service.url).stdout == "TimeoutError\n"
