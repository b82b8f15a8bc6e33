"""Starts `python -m dev.server` like `make run`, for the tests."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import Any, Final, Self

from dev.apple_music.launcher import RunningAppleMusic
from dev.server.aws import LocalAws
from ops.local_service import LocalService
from tests.api_client import ApiClient
from tests.patience import SAFETY_NET_SECONDS
from tests.secret_scan.scanner import SCANNER

PROJECT: Final = Path(__file__).resolve().parents[2]


Result = subprocess.CompletedProcess[str]


def environment(variables: Mapping[str, str]) -> dict[str, str]:
    """Return `os.environ` with `variables`; Python reports unclosed resources on standard error."""
    own = {"PORT": "0", "PYTHONWARNINGS": "default::ResourceWarning", **variables}
    unset = {"APPLE_MUSIC_URL", "DEVELOPER_TOKEN", "MUSIC_USER_TOKEN", "MUSIC_USER_TOKEN_2"}
    unset |= {"DATA", "HOST", "LOG", "READY"}
    return {name: value for name, value in os.environ.items() if name not in unset} | own


def run_command(module: str, *arguments: str, **variables: str) -> Result:
    ended = subprocess.run(  # noqa: S603 - no part comes from outside
        [sys.executable, "-m", module, *arguments],
        cwd=PROJECT,
        env=environment(variables),
        capture_output=True,
        text=True,
        timeout=SAFETY_NET_SECONDS,
        check=False,
    )
    SCANNER.record("output of processes", ended.stdout + ended.stderr)
    return ended


class RunningService(ApiClient):
    """A service that listens once the constructor returns, and stops at the end of the block."""

    def __init__(self, **variables: str) -> None:
        super().__init__("")
        self.curl_line = ""
        self.facts: dict[str, Any] = {}
        self._folder = tempfile.TemporaryDirectory()
        self.state_file = Path(self._folder.name) / "local.json"
        # A separate session: a signal to its group is the same as Ctrl-C in a terminal.
        self._process = subprocess.Popen(
            [sys.executable, "-m", "dev.server"],
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
        self._output, self._stderr = self._process.stdout, self._process.stderr
        self._errors: list[str] = []
        self._reader = threading.Thread(
            target=self._errors.extend, args=[self._stderr], daemon=True
        )
        self._reader.start()
        for line in self._output:
            if line.startswith("{"):  # READY=json
                self.facts = json.loads(line)
                self.url = self.facts["url"]
                break
            if line.startswith("Listening on "):
                self.url = line.split()[-1]
            if line.startswith("curl "):
                self.curl_line = line.strip()
            if line.startswith("Ctrl-C "):
                break
        else:
            self.end(signal.SIGKILL)
            raise RuntimeError("".join(self._errors))

    @classmethod
    def over(cls, apple: RunningAppleMusic, **variables: str) -> RunningService:
        """Start a service that calls `apple` instead of a new stand-in for Apple Music."""
        token = apple.key.sign_token()
        return cls(APPLE_MUSIC_URL=apple.url, DEVELOPER_TOKEN=token, **variables)

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def port(self) -> int:
        return int(self.url.rpartition(":")[2])

    @property
    def state(self) -> LocalService:
        return LocalService.read(self.state_file)

    @property
    def aws(self) -> LocalAws:
        return LocalAws(endpoint_url=self.state.aws_url)

    def ops(self, *arguments: str, **variables: str) -> Result:
        """Run an operator's command on this service."""
        variables = {"LOCAL_STATE_FILE": str(self.state_file), **variables}
        return run_command("ops", "--local", *arguments, **variables)

    def end(self, number: signal.Signals, *, group: bool = False) -> Result:
        """Send a signal, and wait until all processes of the service have ended.

        Each process keeps standard error open: the end of that stream proves that all have ended.
        """
        self._record_items()
        if self._process.poll() is None:
            (os.killpg if group else os.kill)(self._process.pid, number)
        exit_status = self._process.wait(timeout=SAFETY_NET_SECONDS)
        self._reader.join(timeout=SAFETY_NET_SECONDS)
        if self._reader.is_alive():
            raise RuntimeError("a process is still running")
        with self._output, self._stderr:
            output = self._output.read()
        self._folder.cleanup()
        errors = "".join(self._errors)
        SCANNER.record("output of processes", output + errors)
        return Result(self._process.args, exit_status, output, errors)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.end(signal.SIGTERM)

    def _record_items(self) -> None:
        """Pass the items of the cache table to the secret scan."""
        if not self.state_file.exists():
            return
        with closing(self.aws.client("dynamodb")) as dynamodb:
            for table in dynamodb.list_tables()["TableNames"]:
                for page in dynamodb.get_paginator("scan").paginate(TableName=table):
                    SCANNER.record("items of processes", str(page["Items"]))
