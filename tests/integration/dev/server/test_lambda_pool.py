"""The pool's processes are real: each handles one event at a time, and a dead one is replaced."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from typing import Any

import pytest

from dev.server.lambda_pool import (
    InvocationError,
    IsolatedPools,
    LambdaPool,
    PoolBusyError,
    StartError,
)
from tests.patience import SAFETY_NET_SECONDS

Start = Callable[..., LambdaPool]


def variables(handler: str) -> dict[str, str]:
    return {
        "PATH": os.environ["PATH"],
        "AWS_LAMBDA_FUNCTION_NAME": "a-function",
        "_HANDLER": f"tests.integration.dev.server.handlers.{handler}",
    }


@pytest.fixture
def start() -> Iterator[Start]:
    with ExitStack() as stack:

        def start(handler: str, size: int = 1, **options: Any) -> LambdaPool:
            return stack.enter_context(
                LambdaPool(variables=variables(handler), size=size, **options)
            )

        yield start


def invoke(
    pool: LambdaPool | IsolatedPools, event: dict[str, Any] | None = None, request_id: str = "id"
) -> Any:
    return pool.invoke(event or {}, request_id)


@pytest.mark.parametrize(("size", "events"), [(4, 4), (1, 3)])
def test_concurrent_events_use_all_processes_and_wait_while_all_are_busy(
    start: Start, size: int, events: int
) -> None:
    pool = start("describe", size=size)
    with ThreadPoolExecutor(events) as threads:
        found = list(
            threads.map(lambda n: invoke(pool, {"seconds": 0.4}, f"id-{n}"), range(events))
        )
    assert len({response["pid"] for response in found}) == size
    assert [response["request_id"] for response in found] == [f"id-{n}" for n in range(events)]


def test_an_event_does_not_wait_forever(start: Start) -> None:
    pool = start("describe", size=0, queue_seconds=0.05)
    with pytest.raises(PoolBusyError):
        invoke(pool)


def test_the_function_receives_lambdas_context_and_only_the_given_variables(
    start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_PROFILE", "a-developers-own")
    described = invoke(start("describe", timeout_seconds=10.0))
    assert described["function_name"] == "a-function"
    assert 0 < described["remaining"] <= 10_000
    assert "AWS_PROFILE" not in described["variables"]
    assert described["variables"]["AWS_LAMBDA_FUNCTION_NAME"] == "a-function"


def test_output_of_a_handler_is_not_its_response(
    start: Start, capfd: pytest.CaptureFixture[str]
) -> None:
    printed: list[str] = []
    assert invoke(start("write", write_output=printed.append)) == "returned"
    captured = capfd.readouterr()
    assert (captured.out, captured.err) == ("", '{"response": "not this"}\n')
    assert printed == ["printed\n"]

    invoke(start("write"))
    assert capfd.readouterr().err == '{"response": "not this"}\nprinted\n'


@pytest.mark.parametrize(
    ("handler", "error"), [("fail", "LookupError"), ("return_an_object", "Type")]
)
def test_a_handler_that_fails_leaves_its_process_alive(
    start: Start, capfd: pytest.CaptureFixture[str], handler: str, error: str
) -> None:
    pool = start(handler)
    for _ in range(2):
        with pytest.raises(InvocationError, match=error):
            invoke(pool)
    assert "Traceback" in capfd.readouterr().err


@pytest.mark.parametrize("event", [{"die": True}, {"seconds": 60}], ids=["dies", "too-slow"])
def test_a_process_that_dies_or_exceeds_the_timeout_is_replaced(
    start: Start, event: dict[str, Any]
) -> None:
    pool = start("describe", timeout_seconds=1.0)
    before = invoke(pool)["pid"]
    with pytest.raises(InvocationError):
        invoke(pool, event)
    assert invoke(pool)["pid"] != before


def test_a_process_that_died_while_idle_fails_no_event(start: Start) -> None:
    pool = start("describe")
    pid = invoke(pool)["pid"]
    os.kill(pid, 9)
    os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
    assert invoke(pool)["pid"] != pid


def test_a_handler_that_cannot_be_imported_is_reported_at_the_start(
    start: Start, capfd: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(StartError):
        start("missing")
    assert "AttributeError" in capfd.readouterr().err


def test_stopping_ends_idle_and_busy_processes(start: Start) -> None:
    pool = start("describe", size=2)
    pids = {invoke(pool)["pid"], invoke(pool)["pid"]}
    with ThreadPoolExecutor(1) as threads:
        busy = threads.submit(invoke, pool, {"seconds": 60})
        pool.stop()
        with pytest.raises(InvocationError):
            busy.result(timeout=SAFETY_NET_SECONDS)
    assert len(pids) == 2
    for pid in pids:
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)


def test_an_event_fails_if_the_pool_stops_before_the_response_is_read(start: Start) -> None:
    pool = start("describe")
    (process,) = pool._all
    pool.stop()
    with pytest.raises(InvocationError, match="stopped"):
        process._receive(SAFETY_NET_SECONDS)


def test_a_user_with_a_fault_has_its_own_process_which_a_restart_replaces() -> None:
    def make() -> LambdaPool:
        return LambdaPool(variables=variables("describe"), size=1)

    def pid(token: str) -> int:
        return int(invoke(pools, {"headers": {"music-User-Token": token}})["pid"])

    a, b, other = "made-up-token-a", "made-up-token-b", "made-up-token-c"
    with IsolatedPools(make(), tokens={a, b}, make=make) as pools:
        shared, first, second = pid(other), pid(a), pid(b)
        assert len({shared, first, second}) == 3
        assert pid(a) == first
        pools.restart()
        last = pid(a)
        assert last != first
        assert invoke(pools, {"headers": {}})["pid"] == shared
    for ended in (shared, first, second, last):
        with pytest.raises(ProcessLookupError):
            os.kill(ended, 0)
    with pytest.raises(InvocationError, match="stopped"):
        pid(a)


def test_requests_of_a_user_with_a_fault_fail_if_the_users_process_does_not_start() -> None:
    def make() -> LambdaPool:
        return LambdaPool(variables=variables("missing"), size=1)

    pools = IsolatedPools(make(), tokens={"made-up-token-a"}, make=make)
    with pytest.raises(InvocationError, match="did not start"):
        invoke(pools, {"headers": {"Music-User-Token": "made-up-token-a"}})
