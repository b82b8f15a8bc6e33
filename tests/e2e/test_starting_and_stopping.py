"""The service reports why it does not start, works with `ops`, and leaves nothing when it stops."""

from __future__ import annotations

import signal
import socket

import pytest

from tests.e2e.running_service import RunningService, run_command


@pytest.mark.parametrize(
    ("number", "group"),
    [
        pytest.param(signal.SIGINT, True, id="ctrl-c-in-a-terminal"),
        pytest.param(signal.SIGTERM, False, id="sigterm"),
    ],
)
def test_it_stops_and_leaves_nothing(number: signal.Signals, group: bool) -> None:
    service = RunningService()
    kept = service.connect()
    kept.request("GET", "/v1/me/ratings/songs/1")
    kept.getresponse().read()
    result = service.end(number, group=group)
    kept.close()
    assert result.returncode == 0
    assert result.stdout.endswith("Stopping ...\n")
    assert not service.state_file.exists()
    assert "Traceback" not in result.stderr
    assert "ResourceWarning" not in result.stderr
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", service.port))


def test_a_taken_port_is_reported_in_one_line(service: RunningService) -> None:
    result = run_command("dev.server", PORT=str(service.port))
    assert result.returncode == 1
    assert result.stderr == (
        f"Port {service.port} is not available: Address already in use. Choose another: PORT=…\n"
    )


def test_misuse_is_reported_in_one_line() -> None:
    result = run_command("dev.server", DEVELOPER_TOKEN="a-p8-key")
    assert result.returncode == 2
    assert result.stderr.startswith("Set both APPLE_MUSIC_URL")
    assert result.stderr.count("\n") == 1


def test_ops_checks_the_service_and_shows_its_developer_token(service: RunningService) -> None:
    assert service.ops("smoke", MUSIC_USER_TOKEN="sample-user-token-ada").returncode == 0
    assert "LOCALKEY01" in service.ops("token").stdout
