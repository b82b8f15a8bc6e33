"""The service says plainly why it does not start, and leaves nothing behind when it stops."""

from __future__ import annotations

import signal
import socket

import pytest

from tests.e2e.local_service import LocalService, run_to_its_end

APPLE = "https://api.music.apple.com"


@pytest.mark.parametrize(
    ("number", "group"),
    [
        pytest.param(signal.SIGINT, True, id="ctrl-c-in-a-terminal"),
        pytest.param(signal.SIGTERM, False, id="sigterm"),
    ],
)
def test_it_stops_and_leaves_nothing(number: signal.Signals, group: bool) -> None:
    service = LocalService()
    kept = service.connect()
    kept.request("GET", "/v1/me/ratings/songs/1")
    kept.getresponse().read()
    ending = service.end(number, group=group)
    kept.close()
    assert ending.exit_status == 0
    assert ending.output.endswith("Stopping ...\n")
    assert not service.state_file.exists()
    assert "Traceback" not in ending.errors
    assert "ResourceWarning" not in ending.errors
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", service.port))


def test_a_taken_port_is_one_plain_line(service: LocalService) -> None:
    ending = run_to_its_end("local", PORT=str(service.port))
    assert ending.exit_status == 1
    assert ending.errors == (
        f"Port {service.port} is taken: stop what listens there, or choose another with PORT=…\n"
    )


@pytest.mark.parametrize(
    ("variables", "told"),
    [
        ({"APPLE_MUSIC_URL": APPLE}, "set DEVELOPER_TOKEN as well"),
        ({"APPLE_MUSIC_URL": APPLE, "DEVELOPER_TOKEN": "a-p8-key"}, "DEVELOPER_TOKEN is no JWT"),
    ],
)
def test_misuse_is_one_plain_line(variables: dict[str, str], told: str) -> None:
    ending = run_to_its_end("local", **variables)
    assert ending.exit_status == 2
    assert told in ending.errors
    assert ending.errors.count("\n") == 1
