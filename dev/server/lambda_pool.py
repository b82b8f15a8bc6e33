"""Runs a Lambda function in several processes, each of which handles one event at a time."""

from __future__ import annotations

import json
import queue
import subprocess  # nosec B404  # only for this interpreter, see below
import sys
import threading
import time
from collections.abc import Callable, Collection, Mapping
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any, Final, Self

SIZE: Final = 4

_QUEUE_SECONDS: Final = 29.0
"""API Gateway's limit on the time of an integration."""

_START_SECONDS: Final = 60.0
_STOP_SECONDS: Final = 1.0
_PROJECT: Final = Path(__file__).resolve().parents[2]


def write_to_stderr(text: str) -> None:
    """Write a function's output to standard error; Lambda would write it to the log."""
    sys.stderr.write(text)
    sys.stderr.flush()


class InvocationError(Exception):
    """The function did not respond: it raised, timed out, or its process died."""


class PoolBusyError(Exception):
    """No process became idle within the gateway's timeout."""


class StartError(Exception):
    """The handler cannot be imported; its process printed the reason on standard error."""


class _Process:
    """One process with the Lambda runtime; one thread at a time may invoke it."""

    def __init__(self, variables: Mapping[str, str]) -> None:
        self._is_ready = False
        self._process = subprocess.Popen(  # nosec B603  # no shell, and a fixed command
            [sys.executable, "-m", "dev.server.lambda_runtime"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=dict(variables),
            cwd=_PROJECT,
        )
        assert self._process.stdin and self._process.stdout  # noqa: S101, PT018  # nosec B101  # both are pipes
        self._events, self._responses = self._process.stdin, self._process.stdout

    @property
    def is_alive(self) -> bool:
        return self._process.poll() is None

    def invoke(self, invocation: dict[str, Any], timeout_seconds: float) -> dict[str, Any]:
        self.wait_until_ready()
        try:
            self._events.write(json.dumps(invocation).encode() + b"\n")
            self._events.flush()
        except (OSError, ValueError) as error:
            raise InvocationError("the process is gone") from error
        return self._receive(timeout_seconds)

    def wait_until_ready(self) -> None:
        if not self._is_ready:
            self._receive(_START_SECONDS)
            self._is_ready = True

    def _receive(self, timeout_seconds: float) -> dict[str, Any]:
        timer = threading.Timer(timeout_seconds, self._process.kill)
        timer.start()
        try:
            line = self._responses.readline()
        except (OSError, ValueError) as error:  # another thread has closed the pipe
            raise InvocationError("the pool was stopped") from error
        finally:
            timer.cancel()
        if not line.endswith(b"\n"):
            self._process.wait()
            raise InvocationError("the process died or timed out")
        message: dict[str, Any] = json.loads(line)
        return message

    def end_input(self) -> None:
        """Make the process end after its current event."""
        with suppress(OSError):  # the process may have died before it read everything
            self._events.close()

    def close(self, grace_seconds: float) -> None:
        self.end_input()
        try:
            self._process.wait(grace_seconds)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._responses.close()


class LambdaPool:
    """Runs a function in `size` processes, which take events in turn; replaces dead processes.

    `variables` is the whole environment of each process; `_HANDLER` names the handler, as in
    Lambda. If all processes are busy, an event waits; Lambda would start another process.
    `write_output` receives what the handler printed during one event.

    Raises:
        StartError: on entering, if the handler cannot be imported.
    """

    def __init__(
        self,
        *,
        variables: Mapping[str, str],
        size: int = SIZE,
        timeout_seconds: float = 10.0,
        queue_seconds: float = _QUEUE_SECONDS,
        write_output: Callable[[str], None] = write_to_stderr,
    ) -> None:
        self._variables = variables
        self._size = size
        self._timeout_seconds = timeout_seconds
        self._queue_seconds = queue_seconds
        self._write_output = write_output
        self._idle: queue.SimpleQueue[_Process] = queue.SimpleQueue()
        self._all: set[_Process] = set()
        self._lock = threading.Lock()
        self._is_stopped = False

    def invoke(self, event: dict[str, Any], request_id: str) -> object:
        """Return the handler's response to an event.

        Raises:
            InvocationError: if the handler returned no response.
            PoolBusyError: if no process became idle in time.
        """
        try:
            process = self._idle.get(timeout=self._queue_seconds)
        except queue.Empty:
            raise PoolBusyError from None
        invocation = {
            "event": event,
            "request_id": request_id,
            "timeout_seconds": self._timeout_seconds,
        }
        try:
            process = self._replace_if_dead(process)
            message = process.invoke(invocation, self._timeout_seconds)
        finally:
            self._idle.put(self._replace_if_dead(process))
        if message["output"]:
            self._write_output(message["output"])
        if "response" not in message:
            raise InvocationError(message["error"])
        return message["response"]

    def stop(self) -> None:
        """End every process, and wait until all have ended."""
        with self._lock:
            self._is_stopped = True
            processes = tuple(self._all)
        for process in processes:
            process.end_input()
        end = time.monotonic() + _STOP_SECONDS
        for process in processes:
            process.close(max(0.0, end - time.monotonic()))

    def _start_process(self) -> _Process:
        process = _Process(self._variables)
        self._all.add(process)
        return process

    def _replace_if_dead(self, process: _Process) -> _Process:
        """Return the process, or its replacement if it died."""
        with self._lock:
            if self._is_stopped or process.is_alive:
                return process
            self._all.discard(process)
            process.close(_STOP_SECONDS)
            return self._start_process()

    def __enter__(self) -> Self:
        processes = [self._start_process() for _ in range(self._size)]
        try:
            for process in processes:
                process.wait_until_ready()
                self._idle.put(process)
        except InvocationError as error:
            self.stop()
            raise StartError from error
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()


class IsolatedPools:
    """Runs the events of each user token in `tokens` in a separate pool, all others in `shared`.

    In one environment, Apple's failures for one user would also limit the calls of other users.
    `make` returns a new pool, which starts with the first event of its user.
    """

    def __init__(
        self, shared: LambdaPool, *, tokens: Collection[str], make: Callable[[], LambdaPool]
    ) -> None:
        self._shared = shared
        self._tokens = tokens
        self._make = make
        self._lock = threading.Lock()
        self._stack = ExitStack()
        self._pools: dict[str, LambdaPool] = {}
        self._is_stopped = False

    def invoke(self, event: dict[str, Any], request_id: str) -> object:
        """Return the handler's response to an event, or raise the errors of `LambdaPool.invoke`."""
        return self._pool(event).invoke(event, request_id)

    def restart(self) -> None:
        """End the isolated pools; their users' next events start new ones."""
        with self._lock:
            self._pools.clear()
            self._stack.close()

    def stop(self) -> None:
        """End every process."""
        with self._lock:
            self._is_stopped = True
        self.restart()
        self._shared.stop()

    def __enter__(self) -> Self:
        self._shared.__enter__()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _pool(self, event: Mapping[str, Any]) -> LambdaPool:
        headers = {name.lower(): value for name, value in event["headers"].items()}
        token = headers.get("music-user-token")
        if token is None or token not in self._tokens:
            return self._shared
        with self._lock:
            if self._is_stopped:
                raise InvocationError("the pools were stopped")
            if token not in self._pools:
                try:
                    self._pools[token] = self._stack.enter_context(self._make())
                except StartError as error:
                    raise InvocationError("the environment did not start") from error
            return self._pools[token]
