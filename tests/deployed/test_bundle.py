"""A bundle made under a strict umask, invoked as another user, as Lambda does."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
from pathlib import Path

import pytest

from infra.packaging.architecture import Architecture
from infra.packaging.bundling import function_bundling
from tests.lambda_python import lambda_python

NOBODY = 65_534
INVOKE = """
import os, sys
try:
    open(sys.argv[1] + "/private").close()
except PermissionError:
    sys.path.insert(0, sys.argv[1] + "/bundle")
    from types import SimpleNamespace
    from functions.ratings.handler import lambda_handler
    context = SimpleNamespace(
        aws_request_id="a",
        function_name="b",
        function_version="1",
        get_remaining_time_in_millis=lambda: 10_000,
    )
    print(lambda_handler({"httpMethod": "GET", "resource": "/"}, context)["statusCode"])
"""


def test_a_bundle_made_under_umask_077_runs_as_another_user(tmp_path: Path) -> None:
    # Changing a file's owner needs root; giving up root's right to read all files needs setpriv.
    setpriv = shutil.which("setpriv")
    if os.geteuid() != 0 or setpriv is None:
        pytest.skip("This test needs root and setpriv: run it in a container.")
    before = os.umask(0o077)
    try:
        (tmp_path / "bundle").mkdir(mode=0o755)
        (tmp_path / "private").touch()
        architecture = Architecture.of_machine(platform.machine())
        function_bundling("ratings", architecture).try_bundle(str(tmp_path / "bundle"), {})
    finally:
        os.umask(before)
    (tmp_path / "bundle").chmod(0o755)  # the folder itself is not in the archive
    for file in (tmp_path / "private", *(tmp_path / "bundle").rglob("*")):
        os.chown(file, NOBODY, NOBODY)

    result = subprocess.run(  # noqa: S603 - this interpreter, on the bundle made above
        [setpriv, "--bounding-set=-all", lambda_python(), "-I", "-S", "-B", "-c", INVOKE, tmp_path],
        env={
            "CACHE_TABLE_NAME": "ratings",
            "DEVELOPER_TOKEN_SECRET_ID": "developer-token",
            "AWS_REGION": "eu-west-1",
            "POWERTOOLS_SERVICE_NAME": "apple-music-ratings",
            "PATH": os.environ["PATH"],
        },
        capture_output=True,
        text=True,
        check=False,
    )

    assert result.stdout.splitlines()[-1:] == ["404"], result.stderr
