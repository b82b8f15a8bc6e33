"""The environment of AWS's tools leads to the emulator and never to a developer's own account."""

from __future__ import annotations

from pathlib import Path

import pytest

from dev.emulator.ministack import MiniStack, run_ministack
from dev.emulator.processes import DeploymentError


@pytest.fixture
def ministack(tmp_path: Path) -> MiniStack:
    return MiniStack(url="https://127.0.0.1:1", folder=tmp_path)


def test_the_emulators_aws_settings_replace_the_developers_own(ministack: MiniStack) -> None:
    own = {
        "AWS_PROFILE": "work",
        "AWS_ACCESS_KEY_ID": "AKIAMADEUPMADEUPMADE",
        "AWS_SESSION_TOKEN": "made-up",
        "AWS_ENDPOINT_URL_S3": "https://s3.example",
        "AWS_SHARED_CREDENTIALS_FILE": "/home/ada/.aws/credentials",
        "HOME": "/home/ada",
        "HTTPS_PROXY": "http://proxy.example",
    }

    environment = ministack.environment(own)

    assert environment["HOME"] == "/home/ada"
    assert not {"AWS_PROFILE", "AWS_SESSION_TOKEN", "AWS_ENDPOINT_URL_S3"} & environment.keys()
    assert environment["AWS_ACCESS_KEY_ID"] == environment["AWS_SECRET_ACCESS_KEY"] == "test"
    assert environment["AWS_ENDPOINT_URL"] == ministack.url
    assert environment["AWS_SHARED_CREDENTIALS_FILE"] == "/dev/null"
    assert environment["AWS_CONFIG_FILE"] == "/dev/null"
    assert environment["AWS_EC2_METADATA_DISABLED"] == "true"
    assert environment["NO_PROXY"] == environment["no_proxy"] == "127.0.0.1"


def test_a_missing_installation_is_reported_with_what_to_do(tmp_path: Path) -> None:
    with (
        pytest.raises(DeploymentError, match="`make deploy-local` installs it"),
        run_ministack(python=tmp_path / "python", log=tmp_path / "ministack.log"),
    ):
        pass
