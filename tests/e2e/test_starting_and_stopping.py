"""The service reports why it does not start, works with `ops`, and cleans up when it stops."""

from __future__ import annotations

import json
import re
import signal
import socket
from pathlib import Path

import pytest

from tests.e2e.running_service import Result, RunningService, run_command


def stop(service: RunningService, number: signal.Signals, *, group: bool = False) -> Result:
    """Stop a service to which a client is still connected."""
    kept = service.connect()
    kept.request("GET", "/v1/me/ratings/songs/1")
    kept.getresponse().read()
    result = service.end(number, group=group)
    kept.close()
    assert result.returncode == 0
    assert "Traceback" not in result.stderr
    assert "ResourceWarning" not in result.stderr
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", service.port))
    return result


def test_ctrl_c_stops_the_service_and_removes_its_state_file() -> None:
    service = RunningService(LOG="json")
    result = stop(service, signal.SIGINT, group=True)
    assert result.stdout.endswith("Stopping ...\n")
    records = [json.loads(line) for line in result.stderr.splitlines() if line.startswith("{")]
    assert [record["status"] for record in records] == [401]
    assert "GET /v1/me/ratings/songs/1" not in result.stderr
    assert not service.state_file.exists()


def test_a_port_in_use_is_reported_in_one_line(service: RunningService) -> None:
    result = run_command("dev.server", PORT=str(service.port))
    assert result.returncode == 1
    assert result.stderr == (
        f"Port {service.port} is not available: Address already in use. Choose another: PORT=…\n"
    )


def test_a_second_service_serves_own_data_but_reports_only_the_sample_users(
    service: RunningService, tmp_path: Path
) -> None:
    data = tmp_path / "data.json"
    users = {"made-up-token-a": {"library-songs/i.abc": -1}}
    items = [["library-songs/i.abc", "songs/123"]]
    data.write_text(json.dumps({"users": users, "items": items}), "utf-8")
    state_file = str(service.state_file)
    own = RunningService(READY="json", DATA=str(data), LOCAL_STATE_FILE=state_file)
    assert own.request("/v1/me/ratings/songs/123", "made-up-token-a").value == -1
    assert own.request("/v1/me/ratings/songs/907242702", "sample-user-token-ada").value == 1
    result = stop(own, signal.SIGTERM)
    assert result.stdout == ""
    assert own.facts["pid"] == own.pid
    assert own.facts["networkUrl"] is None
    assert "sample-user-token-down" in [user["token"] for user in own.facts["users"]]
    assert "made-up-token-a" not in str(own.facts)
    assert f"Warning: `ops --local` uses the service at {service.url}, " in result.stderr
    assert re.findall(r"^[\d:]{8} (.*) \d+ ms \S+", result.stderr, re.MULTILINE) == [
        "GET /v1/me/ratings/songs/123 200 fwd=miss stored",
        "GET /v1/me/ratings/songs/907242702 200 fwd=miss stored",
        "GET /v1/me/ratings/songs/1 401",
    ]
    assert service.state.api_url == service.url


def test_ops_checks_the_service_and_shows_the_key_id_of_its_token(service: RunningService) -> None:
    assert service.ops("smoke", MUSIC_USER_TOKEN="sample-user-token-ada").returncode == 0
    assert "LOCALKEY01" in service.ops("token").stdout
