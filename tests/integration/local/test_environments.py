"""Environments are real processes: each handles one event at a time, and none is missed for long.

The handlers are in `handlers.py`, beside this file.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from typing import Any, cast

import pytest

from local.environments import Environments, InvocationError, NoEnvironmentError, StartError
from tests.patience import SAFETY_NET_SECONDS

Start = Callable[..., Environments]
ARN = "arn:aws:lambda:us-east-1:123456789012:function:a-function"


def variables(handler: str) -> dict[str, str]:
    return {
        "PATH": os.environ["PATH"],
        "AWS_LAMBDA_FUNCTION_NAME": "a-function",
        "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "256",
        "AWS_LAMBDA_LOG_GROUP_NAME": "/aws/lambda/a-function",
        "AWS_LAMBDA_LOG_STREAM_NAME": "local",
        "_HANDLER": handler,
    }


@pytest.fixture
def start() -> Iterator[Start]:
    with ExitStack() as stack:

        def start(handler: str, count: int = 1, **options: Any) -> Environments:
            return stack.enter_context(
                Environments(
                    variables=variables(f"tests.integration.local.handlers.{handler}"),
                    function_arn=ARN,
                    count=count,
                    **options,
                )
            )

        yield start


def test_events_at_the_same_time_are_handled_by_different_processes(start: Start) -> None:
    environments = start("process", count=4)
    with ThreadPoolExecutor(4) as threads:
        answers = list(
            threads.map(lambda n: environments.invoke({"seconds": 0.5}, f"id-{n}"), range(4))
        )
    found = cast("list[dict[str, Any]]", answers)
    assert len({answer["pid"] for answer in found}) == 4
    assert [answer["request_id"] for answer in found] == ["id-0", "id-1", "id-2", "id-3"]


def test_an_event_waits_while_all_are_busy(start: Start) -> None:
    environments = start("process", count=1)
    with ThreadPoolExecutor(3) as threads:
        answers = list(
            threads.map(lambda n: environments.invoke({"seconds": 0.1}, f"id-{n}"), range(3))
        )
    assert len({cast("dict[str, Any]", answer)["pid"] for answer in answers}) == 1


def test_an_event_does_not_wait_for_ever(start: Start) -> None:
    environments = start("process", count=0, queue_seconds=0.05)
    with pytest.raises(NoEnvironmentError):
        environments.invoke({}, "id")


def test_the_function_is_told_what_lambda_tells(start: Start) -> None:
    told = cast("dict[str, Any]", start("describe", timeout_seconds=10.0).invoke({}, "id"))
    assert told["function_name"] == "a-function"
    assert told["memory_limit_in_mb"] == 256
    assert told["invoked_function_arn"] == ARN
    assert 0 < told["remaining"] <= 10_000


def test_a_process_has_the_given_variables_alone(
    start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_PROFILE", "a-persons-own")
    told = cast("dict[str, Any]", start("describe").invoke({}, "id"))
    assert "AWS_PROFILE" not in told["variables"]
    assert told["variables"]["AWS_LAMBDA_FUNCTION_NAME"] == "a-function"


def test_what_a_handler_prints_is_no_answer(
    start: Start, capfd: pytest.CaptureFixture[str]
) -> None:
    assert start("speak").invoke({}, "id") == "answered"
    printed = capfd.readouterr()
    assert (printed.out, printed.err) == ("", '{"answer": "not this"}\n')


@pytest.mark.parametrize(
    ("handler", "error"), [("fail", "LookupError"), ("answer_no_json", "Type")]
)
def test_a_handler_that_fails_leaves_its_process_alive(
    start: Start, capfd: pytest.CaptureFixture[str], handler: str, error: str
) -> None:
    environments = start(handler)
    for _ in range(2):
        with pytest.raises(InvocationError, match=error):
            environments.invoke({}, "id")
    assert "Traceback" in capfd.readouterr().err


def test_a_process_that_dies_is_replaced(start: Start) -> None:
    environments = start("die")
    before = environments.invoke({"die": False}, "id")
    with pytest.raises(InvocationError):
        environments.invoke({"die": True}, "id")
    assert environments.invoke({"die": False}, "id") != before


def test_a_process_that_died_while_idle_is_replaced_before_it_is_missed(start: Start) -> None:
    environments = start("die")
    pid = cast("int", environments.invoke({"die": False}, "id"))
    os.kill(pid, 9)
    os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
    assert environments.invoke({"die": False}, "id") != pid


def test_a_process_that_takes_too_long_is_ended_and_replaced(start: Start) -> None:
    environments = start("process", timeout_seconds=1.0)
    with pytest.raises(InvocationError):
        environments.invoke({"seconds": 60}, "id")
    assert cast("dict[str, Any]", environments.invoke({}, "id"))["request_id"] == "id"


def test_a_handler_that_cannot_be_imported_is_told_at_the_start(
    start: Start, capfd: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(StartError):
        start("missing")
    assert "AttributeError" in capfd.readouterr().err


def test_stopping_ends_every_process_at_once(start: Start) -> None:
    environments = start("process", count=2)
    pids = {
        cast("dict[str, Any]", environments.invoke({}, "id"))["pid"],
        cast("dict[str, Any]", environments.invoke({}, "id"))["pid"],
    }
    with ThreadPoolExecutor(1) as threads:
        busy = threads.submit(environments.invoke, {"seconds": 60}, "id")
        environments.stop()
        with pytest.raises(InvocationError):
            busy.result(timeout=SAFETY_NET_SECONDS)
    assert len(pids) == 2
    for pid in pids:
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)
