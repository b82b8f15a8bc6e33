"""Starts MiniStack on loopback, over TLS and with IAM enforced."""

from __future__ import annotations

import os
import signal
import socket
import subprocess  # nosec B404  # for our own commands, see below
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import trustme
import urllib3

from dev.aws_account import ACCOUNT_ID, REGION, isolated
from dev.emulator.processes import DeploymentError
from dev.http.messages import LOOPBACK

REPOSITORY: Final = Path(__file__).resolve().parents[2]

_START_SECONDS: Final = 30.0
_ADMINISTRATOR: Final = "test"
"""The access key id and the secret key of an administrator, who may call every operation."""

_INHERITED: Final = frozenset({"HOME", "LANG", "LC_ALL", "LD_LIBRARY_PATH", "PATH"})


@dataclass(frozen=True, slots=True, kw_only=True)
class MiniStack:
    """A running MiniStack, whose account is empty at the start; `folder` has the server's files."""

    url: str
    folder: Path

    @property
    def authority(self) -> Path:
        """The PEM certificate of the authority that signed this server's certificate."""
        return self.folder / "authority.pem"

    def environment(self, inherited: Mapping[str, str]) -> dict[str, str]:
        """Return environment variables with which AWS's tools call only this server."""
        return {
            **isolated(inherited, credential=_ADMINISTRATOR),
            "AWS_ENDPOINT_URL": self.url,
            **dict.fromkeys(("AWS_CA_BUNDLE", "NODE_EXTRA_CA_CERTS"), str(self.authority)),
            **dict.fromkeys(("NO_PROXY", "no_proxy"), LOOPBACK),
            "CDK_HOME": str(self.folder / "cdk"),
        }


@contextmanager
def run_ministack(*, python: Path, log: Path) -> Iterator[MiniStack]:
    """Run MiniStack for as long as the block lasts.

    `python` is the interpreter of MiniStack's virtual environment; `log` receives the output.

    Raises:
        DeploymentError: on entering, if it does not start.
    """
    if not python.exists():
        raise DeploymentError("MiniStack is not installed: `make deploy-local` installs it.")
    log.parent.mkdir(parents=True, exist_ok=True)
    with (
        tempfile.TemporaryDirectory(prefix="ministack-") as folder,
        log.open("wb") as output,
        socket.create_server((LOOPBACK, 0), backlog=128) as listener,
    ):
        port = listener.getsockname()[1]
        ministack = MiniStack(url=f"https://{LOOPBACK}:{port}", folder=Path(folder))
        _write_certificates(ministack)
        process = subprocess.Popen(  # noqa: S603  # nosec B603  # no shell, no external input
            [python, "-m", "dev.emulator.ministack_server", str(listener.fileno())],
            cwd=REPOSITORY,
            env=_own_environment(ministack, port),
            stdin=subprocess.PIPE,
            stdout=output,
            stderr=subprocess.STDOUT,
            pass_fds=[listener.fileno()],
            start_new_session=True,  # so that Ctrl-C does not reach it
        )
        listener.close()
        try:
            _wait_until_healthy(ministack, log)
            yield ministack
        finally:
            # A gentle stop takes half a minute. The group includes the functions' processes.
            os.killpg(process.pid, signal.SIGKILL)
            process.communicate()


def _write_certificates(ministack: MiniStack) -> None:
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(ministack.authority))
    server = authority.issue_cert(LOOPBACK, "localhost")
    server.private_key_pem.write_to_path(str(ministack.folder / "key.pem"))
    for blob in server.cert_chain_pems:
        blob.write_to_path(str(ministack.folder / "certificate.pem"), append=True)


def _own_environment(ministack: MiniStack, port: int) -> dict[str, str]:
    """Return MiniStack's environment variables, which the functions' processes inherit.

    AWS_CA_BUNDLE and AWS_EC2_METADATA_DISABLED are for the functions.
    """
    return {
        **{name: text for name, text in os.environ.items() if name in _INHERITED},
        "AUTH": "true",
        "USE_SSL": "1",
        "BIND_HOST": LOOPBACK,
        "GATEWAY_PORT": str(port),
        "MINISTACK_ACCOUNT_ID": ACCOUNT_ID,
        "MINISTACK_REGION": REGION,
        "MINISTACK_SSL_CERT": str(ministack.folder / "certificate.pem"),
        "MINISTACK_SSL_KEY": str(ministack.folder / "key.pem"),
        "AWS_CA_BUNDLE": str(ministack.authority),
        "AWS_EC2_METADATA_DISABLED": "true",
        "TMPDIR": str(ministack.folder),
    }


def _wait_until_healthy(ministack: MiniStack, log: Path) -> None:
    pool = urllib3.PoolManager(ca_certs=str(ministack.authority), retries=False)
    try:
        pool.request("GET", f"{ministack.url}/_ministack/health", timeout=_START_SECONDS)
    except urllib3.exceptions.HTTPError:
        raise DeploymentError(f"MiniStack does not start: see {log}.") from None
    finally:
        pool.clear()
