"""Starts MiniStack on this machine's loopback address, over TLS and with IAM enforced."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import tempfile
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Final, Self

import trustme
import urllib3

from deployment.errors import DeploymentError
from local.aws import ACCOUNT_ID, REGION
from local.http_server import LOOPBACK

REPOSITORY: Final = Path(__file__).resolve().parent.parent

_START_SECONDS: Final = 30.0
_ADMINISTRATOR: Final = "test"
"""The access key, and its secret, that MiniStack takes for the account's own."""

_INHERITED: Final = frozenset({"HOME", "LANG", "LC_ALL", "LD_LIBRARY_PATH", "PATH"})


class MiniStack:
    """An empty account, for as long as the block lasts.

    `python` is the interpreter of MiniStack's own environment. What it says goes into `log`.

    Raises:
        DeploymentError: on entering, where it does not start.
    """

    def __init__(self, *, python: Path, log: Path) -> None:
        self._python = python
        self._log = log
        self._folder = Path()
        self._url = ""

    @property
    def authority(self) -> Path:
        """The certificate, as PEM, of the authority that vouches for this server."""
        return self._folder / "authority.pem"

    def environment(self, inherited: Mapping[str, str]) -> dict[str, str]:
        """Give the environment in which AWS's tools speak to this server, and to no account."""
        return {
            **{name: text for name, text in inherited.items() if not name.startswith("AWS_")},
            "AWS_ACCESS_KEY_ID": _ADMINISTRATOR,
            "AWS_SECRET_ACCESS_KEY": _ADMINISTRATOR,
            "AWS_REGION": REGION,
            "AWS_DEFAULT_REGION": REGION,
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_ENDPOINT_URL": self._url,
            "AWS_CA_BUNDLE": str(self.authority),
            "NODE_EXTRA_CA_CERTS": str(self.authority),
            **dict.fromkeys(("NO_PROXY", "no_proxy"), LOOPBACK),
            "CDK_HOME": str(self._folder / "cdk"),
        }

    def api_url(self, execute_api_url: str) -> str:
        """Give the URL at which this server answers for a REST API's own."""
        host, _, stage = execute_api_url.removeprefix("https://").partition("/")
        return f"{self._url}/restapis/{host.partition('.')[0]}/{stage}/_user_request_"

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="ministack-"))
            self._folder = Path(folder)
            self._write_certificates()
            self._start(stack)
            self._stack = stack.pop_all()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._stack.close()

    def _write_certificates(self) -> None:
        authority = trustme.CA()
        authority.cert_pem.write_to_path(str(self.authority))
        server = authority.issue_cert(LOOPBACK, "localhost")
        server.private_key_pem.write_to_path(str(self._folder / "key.pem"))
        for blob in server.cert_chain_pems:
            blob.write_to_path(str(self._folder / "certificate.pem"), append=True)

    def _start(self, stack: ExitStack) -> None:
        if not self._python.exists():
            raise DeploymentError("MiniStack is not installed: `make deploy-local` installs it.")
        self._log.parent.mkdir(parents=True, exist_ok=True)
        log = stack.enter_context(self._log.open("wb"))
        with socket.create_server((LOOPBACK, 0), backlog=128) as listener:
            port = listener.getsockname()[1]
            self._url = f"https://{LOOPBACK}:{port}"
            process = subprocess.Popen(  # noqa: S603 - nothing of it comes from outside
                [self._python, "-m", "deployment.emulator", str(listener.fileno())],
                cwd=REPOSITORY,
                env=self._own_environment(port),
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=subprocess.STDOUT,
                pass_fds=[listener.fileno()],
                # Ctrl-C is for the process that started it, which then ends it.
                start_new_session=True,
            )
        stack.callback(_end, process)
        pool = urllib3.PoolManager(ca_certs=str(self.authority), retries=False)
        try:
            pool.request("GET", f"{self._url}/_ministack/health", timeout=_START_SECONDS)
        except urllib3.exceptions.HTTPError:
            raise DeploymentError(f"MiniStack does not start: {self._log} says why.") from None
        finally:
            pool.clear()

    def _own_environment(self, port: int) -> dict[str, str]:
        """The functions run in processes that inherit this: so nothing of a person's own is in it.

        AWS_CA_BUNDLE and AWS_EC2_METADATA_DISABLED are for them.
        """
        return {
            **{name: text for name, text in os.environ.items() if name in _INHERITED},
            "AUTH": "true",
            "USE_SSL": "1",
            "BIND_HOST": LOOPBACK,
            "GATEWAY_PORT": str(port),
            "MINISTACK_ACCOUNT_ID": ACCOUNT_ID,
            "MINISTACK_REGION": REGION,
            "MINISTACK_SSL_CERT": str(self._folder / "certificate.pem"),
            "MINISTACK_SSL_KEY": str(self._folder / "key.pem"),
            "AWS_CA_BUNDLE": str(self.authority),
            "AWS_EC2_METADATA_DISABLED": "true",
            "TMPDIR": str(self._folder),
        }


def _end(process: subprocess.Popen[bytes]) -> None:
    # Not gently, which takes it half a minute: it keeps nothing that would have to be put in order.
    # The functions' processes are of its session, too.
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
