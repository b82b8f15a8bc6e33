"""`python -m local` as a person starts it, and a client that speaks to it over real HTTP."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPMessage
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import boto3

from local.state import LocalState
from tests.canaries.ledger import LEDGER
from tests.patience import SAFETY_NET_SECONDS

PROJECT: Final = Path(__file__).resolve().parents[2]


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    status: int
    headers: HTTPMessage
    body: bytes

    @property
    def document(self) -> Any:
        return json.loads(self.body)

    @property
    def cache(self) -> str | None:
        return self.headers["Cache-Status"]

    @property
    def value(self) -> int:
        (rating,) = self.document["data"]
        return int(rating["attributes"]["value"])

    @property
    def error_code(self) -> str:
        (error,) = self.document["errors"]
        assert error["status"] == str(self.status)
        return str(error["code"])


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    exit_status: int
    output: str
    errors: str


def environment(variables: Mapping[str, str]) -> dict[str, str]:
    """A person's environment with the service's own variables, and leaks told on standard error."""
    own = {"PORT": "0", "PYTHONWARNINGS": "default::ResourceWarning", **variables}
    chosen = {"APPLE_MUSIC_URL", "DEVELOPER_TOKEN", "MUSIC_USER_TOKEN", "MUSIC_USER_TOKEN_2"}
    return {name: value for name, value in os.environ.items() if name not in chosen} | own


def run_to_its_end(module: str, *arguments: str, given: str = "", **variables: str) -> Ending:
    """Run one of the project's commands that ends by itself, `given` on its standard input."""
    ended = subprocess.run(  # noqa: S603 - nothing of it comes from outside
        [sys.executable, "-m", module, *arguments],
        cwd=PROJECT,
        env=environment(variables),
        input=given,
        capture_output=True,
        text=True,
        timeout=SAFETY_NET_SECONDS,
        check=False,
    )
    return _recorded(Ending(exit_status=ended.returncode, output=ended.stdout, errors=ended.stderr))


def _recorded(ending: Ending) -> Ending:
    """Have the watch for secrets look through what a process wrote."""
    # Its one line that holds a token is for a person to paste, and the token is a sample's.
    output = "".join(
        line for line in ending.output.splitlines(keepends=True) if not line.startswith("curl ")
    )
    LEDGER.record("output of processes", output + ending.errors)
    return ending


class LocalService:
    """A running service; it listens once this is made."""

    def __init__(self, **variables: str) -> None:
        self._ending: Ending | None = None
        self._folder = tempfile.TemporaryDirectory()
        self.state_file = Path(self._folder.name) / "local.json"
        # A session of its own, so that a signal to its group is what Ctrl-C in a terminal is.
        self._process = subprocess.Popen(
            [sys.executable, "-m", "local"],
            cwd=PROJECT,
            env=environment({"LOCAL_STATE_FILE": str(self.state_file), **variables}),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        assert self._process.stdout is not None
        assert self._process.stderr is not None
        self._errors: list[str] = []
        self._reader = threading.Thread(
            target=self._errors.extend, args=[self._process.stderr], daemon=True
        )
        self._reader.start()
        self.url, self.curl_line = "", ""
        for line in self._process.stdout:
            if line.startswith("Listening on "):
                self.url = line.split()[-1]
            if line.startswith("curl "):
                self.curl_line = line.strip()
            if line.startswith("Ctrl-C "):
                break
        if not self.curl_line:
            self.end(signal.SIGKILL)
            raise RuntimeError("".join(self._errors))

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def port(self) -> int:
        port = urlsplit(self.url).port
        assert port is not None
        return port

    def connect(self) -> HTTPConnection:
        return HTTPConnection("127.0.0.1", self.port, timeout=SAFETY_NET_SECONDS)

    def ask(
        self,
        target: str,
        token: str | None = None,
        *headers: tuple[str, str],
        method: str = "GET",
        body: bytes | None = None,
    ) -> Reply:
        """Send one request on a connection of its own, the target exactly as given."""
        connection = self.connect()
        connection.putrequest(method, target)
        if token is not None:
            connection.putheader("Music-User-Token", token)
        for name, value in headers:
            connection.putheader(name, value)
        if body is not None:
            connection.putheader("Content-Length", str(len(body)))
        connection.endheaders(body)
        answer = connection.getresponse()
        reply = Reply(status=answer.status, headers=answer.headers, body=answer.read())
        connection.close()
        LEDGER.record("answers over HTTP", f"{reply.headers}{reply.body.decode('latin-1')}")
        return reply

    def ops(self, *arguments: str, given: str = "", **variables: str) -> Ending:
        """Do what an operator does to this service."""
        variables = {"LOCAL_STATE_FILE": str(self.state_file), **variables}
        return run_to_its_end("ops", "--local", *arguments, given=given, **variables)

    def end(self, number: signal.Signals, *, group: bool = False) -> Ending:
        """Send a signal, and wait until the service is gone, processes and all.

        Every process of it holds standard error, so that the end of that is the end of them all.
        """
        if self._ending is None:
            self._record_items()
            self._ending = _recorded(self._end(number, group=group))
        return self._ending

    def _record_items(self) -> None:
        """Have the watch for secrets look through what the service has stored."""
        if not self.state_file.exists():
            return
        state = LocalState.read(self.state_file)
        dynamodb = boto3.client(
            "dynamodb",
            endpoint_url=state.aws_url,
            region_name=state.region,
            aws_access_key_id="local",
            aws_secret_access_key="local",
        )
        for table in dynamodb.list_tables()["TableNames"]:
            for page in dynamodb.get_paginator("scan").paginate(TableName=table):
                LEDGER.record("items of processes", str(page["Items"]))
        dynamodb.close()

    def _end(self, number: signal.Signals, *, group: bool) -> Ending:
        if self._process.poll() is None:
            kill = os.killpg if group else os.kill
            kill(self._process.pid, number)
        exit_status = self._process.wait(timeout=SAFETY_NET_SECONDS)
        self._reader.join(timeout=SAFETY_NET_SECONDS)
        if self._reader.is_alive():
            raise RuntimeError("a process is left behind")
        assert self._process.stdout is not None
        assert self._process.stderr is not None
        with self._process.stdout, self._process.stderr:
            output = self._process.stdout.read()
        self._folder.cleanup()
        return Ending(exit_status=exit_status, output=output, errors="".join(self._errors))
