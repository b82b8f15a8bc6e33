"""What AWS's tools are told, so that they find the emulator and never a person's account."""

from __future__ import annotations

from pathlib import Path

import pytest

from deployment.errors import DeploymentError
from deployment.ministack import MiniStack


def ministack(tmp_path: Path) -> MiniStack:
    return MiniStack(python=tmp_path / "python", log=tmp_path / "log" / "ministack.log")


def test_nothing_of_a_persons_own_aws_is_left(tmp_path: Path) -> None:
    own = {
        "AWS_PROFILE": "work",
        "AWS_ACCESS_KEY_ID": "AKIAMADEUPMADEUPMADE",
        "AWS_SESSION_TOKEN": "made-up",
        "AWS_ENDPOINT_URL_S3": "https://s3.example",
        "AWS_SHARED_CREDENTIALS_FILE": "/home/ada/.aws/credentials",
        "HOME": "/home/ada",
    }

    environment = ministack(tmp_path).environment(own)

    assert environment["HOME"] == "/home/ada"
    assert not {"AWS_PROFILE", "AWS_SESSION_TOKEN", "AWS_ENDPOINT_URL_S3"} & environment.keys()
    assert environment["AWS_ACCESS_KEY_ID"] == environment["AWS_SECRET_ACCESS_KEY"] == "test"
    assert environment["AWS_SHARED_CREDENTIALS_FILE"] == "/dev/null"
    assert environment["AWS_CONFIG_FILE"] == "/dev/null"
    assert environment["AWS_EC2_METADATA_DISABLED"] == "true"


def test_no_proxy_stands_in_between(tmp_path: Path) -> None:
    environment = ministack(tmp_path).environment({"HTTPS_PROXY": "http://proxy.example"})

    assert environment["NO_PROXY"] == environment["no_proxy"] == "127.0.0.1"


def test_an_apis_url_is_one_of_this_machine(tmp_path: Path) -> None:
    url = ministack(tmp_path).api_url("https://a1b2c3.execute-api.us-east-1.amazonaws.com/local")

    assert url.endswith("/restapis/a1b2c3/local/_user_request_")


def test_where_it_is_not_installed_the_way_to_it_is_told(tmp_path: Path) -> None:
    with (
        pytest.raises(DeploymentError, match="`make deploy-local` installs it"),
        ministack(tmp_path),
    ):
        pass
