"""Runs functions and the canned servers that they call, each in its own process."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Final, cast

import botocore
import trustme

from bench.bundles import Bundle, LambdaPython
from bench.servers import LOOPBACK, SERVICES
from bench.variants import Variant

REPOSITORY: Final = Path(__file__).resolve().parent.parent

_RUNTIME: Final = Path(__file__).with_name("runtime.py")
_PUBLIC_ROOTS: Final = Path(botocore.__file__).parent / "cacert.pem"
_CACHEGRIND: Final = ("valgrind", "--tool=cachegrind", "--cache-sim=no")

Event = dict[str, Any]
Report = dict[str, Any]
"""The costs that `bench/runtime.py` reports for a list of events."""


class FunctionFailedError(RuntimeError):
    """A function's process ended, or its response had an unexpected status."""


class Function:
    """A variant's function in one environment, as in Lambda."""

    def __init__(self, process: subprocess.Popen[str], reports: IO[str], log: IO[bytes]) -> None:
        self._process = process
        self._reports = reports
        self._log = log

    def handle(self, events: Sequence[Event]) -> Report:
        """Handle events one after the other.

        Raises:
            FunctionFailedError: if the process ends, or a status is not 200.
        """
        commands = cast("IO[str]", self._process.stdin)
        commands.write(json.dumps(events) + "\n")
        commands.flush()
        line = self._reports.readline()
        if not line:
            raise FunctionFailedError(f"the function exited with {self._process.wait()}")
        report: Report = json.loads(line)
        if report["statuses"] != [200]:
            raise FunctionFailedError(f"responses: {report['statuses']}: {report['last']}")
        return report

    def log_of(self, report: Report) -> bytes:
        """Return the output of the function while it handled the events of `report`."""
        start, end = report["log"]
        self._log.seek(start)
        return self._log.read(end - start)


@dataclass(frozen=True, slots=True, kw_only=True)
class Launcher:
    """Starts the variants' functions.

    `urls` are the canned servers by service. `root` is the PEM of the bench's CA, `roots` a file
    with this CA and the public CAs. `directory` is for temporary files.
    """

    bundles: Mapping[Variant, Bundle]
    python: LambdaPython
    urls: Mapping[str, str]
    root: bytes
    roots: Path
    directory: Path

    @contextmanager
    def start(
        self, variant: Variant, *, inspect: bool = False, under: Sequence[str] = ()
    ) -> Iterator[Function]:
        """Start a function; `under` is a program that runs its interpreter, such as valgrind."""
        bundle = self.bundles[variant].path
        reading, writing = os.pipe()
        with ExitStack() as stack:
            reports = stack.enter_context(os.fdopen(reading))
            log = stack.enter_context(tempfile.TemporaryFile())
            # -B because Lambda's file system is read-only, -u because its log is not buffered.
            command = [
                *under,
                *(self.python.path, "-I", "-S", "-B", "-u", str(_RUNTIME)),
                *(str(writing), str(bundle), variant.handler),
                *(["inspect"] if inspect else []),
            ]
            try:
                process = subprocess.Popen(  # noqa: S603 - `find_python` found it
                    command,
                    stdin=subprocess.PIPE,
                    stdout=log,
                    text=True,
                    env=self._environment(variant),
                    cwd=bundle,
                    pass_fds=(writing,),
                )
            finally:
                os.close(writing)
            with process:
                try:
                    yield Function(process, reports, log)
                finally:
                    cast("IO[str]", process.stdin).close()
                    process.wait()

    def cold_start(self, variant: Variant, event: Event) -> Report:
        """Start a function for one event; the report has the time as `started_at`."""
        started = time.monotonic()
        with self.start(variant) as function:
            return {**function.handle([event]), "started_at": started}

    def count_instructions(self, variant: Variant, events: Sequence[Event]) -> int:
        """Count, with valgrind, the instructions from a function's start to its last response.

        This takes about thirty times as long as the start itself.
        """
        output = self.directory / "cachegrind.out"
        files = (f"--log-file={os.devnull}", f"--cachegrind-out-file={output}")
        with self.start(variant, under=(*_CACHEGRIND, *files)) as function:
            function.handle(events)
        *_, summary = output.read_text("utf-8").splitlines()
        return int(summary.removeprefix("summary:").split()[0])

    def _environment(self, variant: Variant) -> dict[str, str]:
        """Return the variables that Lambda and the stack set, and the CAs for each client.

        botocore loads the CAs of its bundle, and all other code the CAs of the machine. The bench
        adds only its own CA.
        """
        bundle = self.bundles[variant].path
        bundled, botocore_roots = bundle / "botocore" / "cacert.pem", self.roots
        if bundled.exists():
            botocore_roots = self.directory / f"{bundle.name}.pem"
            botocore_roots.write_bytes(bundled.read_bytes() + b"\n" + self.root)
        return {
            "PATH": os.defpath,
            "LANG": "en_US.UTF-8",
            "TZ": ":UTC",
            "PYTHONHASHSEED": "0",
            "LAMBDA_TASK_ROOT": str(bundle),
            "_HANDLER": variant.handler,
            "AWS_EXECUTION_ENV": "AWS_Lambda_python3.13",
            "AWS_LAMBDA_FUNCTION_NAME": "apple-music-ratings-dev-RatingsFunction",
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "512",
            "AWS_REGION": "us-east-1",
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_ACCESS_KEY_ID": "made-up",
            "AWS_SECRET_ACCESS_KEY": "made-up",
            "AWS_SESSION_TOKEN": "made-up" * 60,
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_ENDPOINT_URL_DYNAMODB": self.urls["dynamodb"],
            "AWS_ENDPOINT_URL_SECRETS_MANAGER": self.urls["secrets_manager"],
            "AWS_CA_BUNDLE": str(botocore_roots),
            "SSL_CERT_FILE": str(self.roots),
            "POWERTOOLS_SERVICE_NAME": "apple-music-ratings",
            "CACHE_TABLE_NAME": variant.name,
            "CACHE_TIMEOUT_MILLISECONDS": "60000",  # valgrind makes the code thirty times slower
            "DEVELOPER_TOKEN_SECRET_ID": "developer-token",
            "APPLE_MUSIC_URL": self.urls["apple_music"],
            "FRESH_SECONDS": "86400",
        }


@contextmanager
def launcher(bundles: Mapping[Variant, Bundle], python: LambdaPython) -> Iterator[Launcher]:
    """Start the canned servers; pin them to one core, and this process to another if possible."""
    cores = sorted(os.sched_getaffinity(0))
    with ExitStack() as stack:
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bench-")))
        root = trustme.CA(key_type=trustme.KeyType.RSA)
        chain, roots = directory / "server.pem", directory / "roots.pem"
        _issue_certificate(root, chain)
        roots.write_bytes(_PUBLIC_ROOTS.read_bytes() + b"\n" + root.cert_pem.bytes())
        with _pinned(cores[0]):
            urls = {name: stack.enter_context(_server(name, chain)) for name in SERVICES}
        stack.enter_context(_pinned(cores[-1]))
        yield Launcher(
            bundles=bundles,
            python=python,
            urls=urls,
            root=root.cert_pem.bytes(),
            roots=roots,
            directory=directory,
        )


def _issue_certificate(root: trustme.CA, chain: Path) -> None:
    """Issue an RSA certificate through an intermediate CA, like AWS's certificates."""
    leaf = root.create_child_ca(trustme.KeyType.RSA).issue_cert(
        LOOPBACK, "localhost", key_type=trustme.KeyType.RSA
    )
    leaf.private_key_and_cert_chain_pem.write_to_path(str(chain))


@contextmanager
def _server(service: str, chain: Path) -> Iterator[str]:
    with subprocess.Popen(  # noqa: S603 - this interpreter, on a module of this package
        [sys.executable, "-m", "bench.servers", service, str(chain)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=REPOSITORY,
    ) as process:
        try:
            yield f"https://{LOOPBACK}:{int(cast('IO[str]', process.stdout).readline())}"
        finally:
            cast("IO[str]", process.stdin).close()
            process.wait()


@contextmanager
def _pinned(core: int) -> Iterator[None]:
    """Pin this process and its new child processes to one core."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {core})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)
