"""Lambda's side of a function: a few processes, each of which handles one event at a time."""

from __future__ import annotations

import json
import queue
import select
import subprocess  # nosec B404  # for this interpreter alone, see below
import sys
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Protocol, Self

COUNT: Final = 4
TIMEOUT_SECONDS: Final = 10.0
"""The function's timeout; an environment that is still busy then is ended."""

QUEUE_SECONDS: Final = 29.0
"""How long API Gateway waits for its integration."""

_START_SECONDS: Final = 60.0
_STOP_SECONDS: Final = 1.0
_POLL_SECONDS: Final = 0.1
_PROJECT: Final = Path(__file__).resolve().parent.parent


class InvocationError(Exception):
    """The function gave no answer: it raised, took too long, or its process died."""


class NoEnvironmentError(Exception):
    """No environment became free in time."""


class StartError(Exception):
    """The handler could not be imported; its process has said why on standard error."""


class Function(Protocol):
    """A function as those see it who have it handle an event; `Environments` is one."""

    def invoke(self, event: dict[str, Any], request_id: str) -> object:
        """Give the function's answer to an event.

        Raises:
            InvocationError: where there is none.
            NoEnvironmentError: where all stayed busy.
        """
        ...


def _always() -> bool:
    return True


class _Environment:
    """One process. Not safe to use from two threads at once, but for the two ways to end it."""

    def __init__(self, variables: Mapping[str, str]) -> None:
        self._is_ready = False
        self._process = subprocess.Popen(  # nosec B603  # no shell, and a fixed command
            [sys.executable, "-m", "local.runtime"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=dict(variables),
            cwd=_PROJECT,
        )
        assert self._process.stdin and self._process.stdout  # noqa: S101, PT018  # nosec B101  # both are pipes
        self._events, self._answers = self._process.stdin, self._process.stdout

    @property
    def is_alive(self) -> bool:
        return self._process.poll() is None

    def wait_until_ready(self, is_wanted: Callable[[], bool]) -> None:
        """Return once the handler is imported, or nobody wants it any more."""
        end = time.monotonic() + _START_SECONDS
        while not self._is_ready and is_wanted():
            if self._has_said_something(_POLL_SECONDS) or time.monotonic() > end:
                self._receive(0.0)
                self._is_ready = True

    def _has_said_something(self, timeout_seconds: float) -> bool:
        try:
            readable, _, _ = select.select([self._answers], [], [], timeout_seconds)
        except (OSError, ValueError) as error:  # closed, because all is being stopped
            raise InvocationError("the environment is gone") from error
        return bool(readable)

    def invoke(self, invocation: dict[str, Any], timeout_seconds: float) -> dict[str, Any]:
        self.wait_until_ready(_always)
        try:
            self._events.write(json.dumps(invocation).encode() + b"\n")
            self._events.flush()
        except (OSError, ValueError) as error:  # as above
            self.kill()
            raise InvocationError("the environment is gone") from error
        return self._receive(timeout_seconds)

    def _receive(self, timeout_seconds: float) -> dict[str, Any]:
        if not self._has_said_something(timeout_seconds):
            self.kill()
            raise InvocationError("timed out")
        try:
            line = self._answers.readline()
        except (OSError, ValueError) as error:  # closed since, because all is being stopped
            raise InvocationError("the environment is gone") from error
        if not line.endswith(b"\n"):
            self.close(_STOP_SECONDS)  # the time to say why
            raise InvocationError("the environment died")
        message: dict[str, Any] = json.loads(line)
        return message

    def end_input(self) -> None:
        try:
            self._events.close()
        except OSError:
            return  # it died before it had read everything

    def kill(self) -> None:
        self._process.kill()
        self._process.wait()

    def close(self, grace_seconds: float) -> None:
        self.end_input()
        try:
            self._process.wait(grace_seconds)
        except subprocess.TimeoutExpired:
            self.kill()
        self._answers.close()


class Environments:
    """Some processes that take events in turn; one that dies is replaced.

    `variables` is the whole environment of each process; `_HANDLER` names what it imports, as in
    Lambda. Where Lambda would start one environment more than `count`, an event waits.
    """

    def __init__(
        self,
        *,
        variables: Mapping[str, str],
        function_arn: str,
        count: int = COUNT,
        timeout_seconds: float = TIMEOUT_SECONDS,
        queue_seconds: float = QUEUE_SECONDS,
    ) -> None:
        self._variables = variables
        self._function_arn = function_arn
        self._count = count
        self._timeout_seconds = timeout_seconds
        self._queue_seconds = queue_seconds
        self._launched: list[_Environment] = []
        self._idle: queue.SimpleQueue[_Environment] = queue.SimpleQueue()
        self._all: set[_Environment] = set()
        self._lock = threading.Lock()
        self._is_stopped = False

    def launch(self) -> None:
        """Start every process, without waiting for any."""
        self._launched = [self._launch() for _ in range(self._count)]

    def wait_until_ready(self, *, is_wanted: Callable[[], bool] = _always) -> None:
        """Wait until each process has imported the handler, or none is wanted.

        Raises:
            StartError: where one cannot.
        """
        try:
            for environment in self._launched:
                environment.wait_until_ready(is_wanted)
                self._idle.put(environment)
        except InvocationError as error:
            self.stop()
            raise StartError from error

    def invoke(self, event: dict[str, Any], request_id: str) -> object:
        """Have one environment handle an event, and give the handler's answer.

        Raises:
            InvocationError: where there is none.
            NoEnvironmentError: where all stayed busy.
        """
        try:
            environment = self._idle.get(timeout=self._queue_seconds)
        except queue.Empty:
            raise NoEnvironmentError from None
        try:
            if not environment.is_alive:
                environment = self._replaced(environment)
            message = environment.invoke(
                {
                    "event": event,
                    "request_id": request_id,
                    "function_arn": self._function_arn,
                    "timeout_seconds": self._timeout_seconds,
                },
                self._timeout_seconds,
            )
        finally:
            if not environment.is_alive:
                environment = self._replaced(environment)
            self._idle.put(environment)
        if "answer" not in message:
            raise InvocationError(message["error"])
        return message["answer"]

    def stop(self) -> None:
        """End every process; none is left when this returns."""
        with self._lock:
            self._is_stopped = True
            environments = tuple(self._all)
        for environment in environments:
            environment.end_input()
        end = time.monotonic() + _STOP_SECONDS
        for environment in environments:
            environment.close(max(0.0, end - time.monotonic()))

    def _launch(self) -> _Environment:
        environment = _Environment(self._variables)
        self._all.add(environment)
        return environment

    def _replaced(self, environment: _Environment) -> _Environment:
        with self._lock:
            if self._is_stopped:
                return environment
            self._all.discard(environment)
            environment.close(_STOP_SECONDS)
            return self._launch()

    def __enter__(self) -> Self:
        self.launch()
        self.wait_until_ready()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()
