"""Starts what is measured, and the canned servers that it talks to, in processes of their own."""

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

from bench.bundles import Bundle
from bench.certificates import Certificates, issue, machines_authorities, with_root
from bench.contestants import Contestant
from bench.events import Event
from bench.lambda_python import LambdaPython
from bench.servers import LOOPBACK, SERVICES

REPOSITORY: Final = Path(__file__).resolve().parent.parent

_RUNTIME: Final = Path(__file__).with_name("runtime.py")
_OK: Final = 200

Report = dict[str, Any]


class FunctionFailedError(RuntimeError):
    """A contestant did not answer as it should."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cores:
    """Which processor the functions run on, and which the servers."""

    functions: int
    servers: int

    @classmethod
    def of_this_machine(cls) -> Cores:
        """Give the last and the first that this process may use, which may be the same."""
        usable = sorted(os.sched_getaffinity(0))
        return cls(functions=usable[-1], servers=usable[0])


@dataclass(frozen=True, slots=True, kw_only=True)
class CannedServices:
    """Where the canned servers listen, and the root by which to trust them.

    `roots` are a machine's own with that one more; `directory` is for those of the bundles.
    """

    urls: Mapping[str, str]
    root: bytes
    roots: Path
    directory: Path

    def environment(self, contestant: Contestant, bundle: Bundle) -> dict[str, str]:
        """Give what Lambda and the stack would put into a function's environment.

        botocore goes by the authorities in its bundle, and so by these and the bench's here;
        everything else by the machine's.
        """
        bundled = bundle.path / "botocore" / "cacert.pem"
        authorities = self.roots
        if bundled.exists():
            authorities = self.directory / f"{bundle.path.name}.pem"
            with_root(bundled, self.root, authorities)
        return {
            "PATH": os.defpath,
            "LANG": "en_US.UTF-8",
            "TZ": ":UTC",
            "PYTHONHASHSEED": "0",
            "LAMBDA_TASK_ROOT": str(bundle.path),
            "_HANDLER": contestant.handler,
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
            "AWS_CA_BUNDLE": str(authorities),
            "SSL_CERT_FILE": str(self.roots),
            "POWERTOOLS_SERVICE_NAME": "apple-music-ratings",
            "CACHE_TABLE_NAME": contestant.name,
            "CACHE_TIMEOUT_MILLISECONDS": "60000",  # valgrind takes thirty times as long
            "DEVELOPER_TOKEN_SECRET_ID": "developer-token",
            "APPLE_MUSIC_URL": self.urls["apple_music"],
            "FRESH_SECONDS": "86400",
        }


@contextmanager
def canned_services(cores: Cores) -> Iterator[CannedServices]:
    """Run DynamoDB, Secrets Manager and Apple Music, as far as the contestants need them."""
    with ExitStack() as stack:
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bench-")))
        certificates = issue(directory)
        urls = {
            service: stack.enter_context(_server(service, certificates, cores))
            for service in SERVICES
        }
        yield CannedServices(
            urls=urls,
            root=certificates.root,
            roots=with_root(machines_authorities(), certificates.root, directory / "roots.pem"),
            directory=directory,
        )


@contextmanager
def _server(service: str, certificates: Certificates, cores: Cores) -> Iterator[str]:
    with pinned(cores.servers):
        process = subprocess.Popen(  # noqa: S603 - this interpreter, on a module of this package
            [sys.executable, "-m", "bench.servers", service, str(certificates.chain)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=REPOSITORY,
        )
    with process:
        try:
            yield f"https://{LOOPBACK}:{int(cast('IO[str]', process.stdout).readline())}"
        finally:
            cast("IO[str]", process.stdin).close()
            process.wait()


@contextmanager
def pinned(core: int) -> Iterator[None]:
    """Keep this process, and those that it starts meanwhile, on one core."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {core})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


class RunningFunction:
    """A contestant's function in an environment of its own, as Lambda keeps it."""

    def __init__(self, process: subprocess.Popen[str], reports: IO[str], log: IO[bytes]) -> None:
        self._process = process
        self._reports = reports
        self._log = log

    def answer(self, events: Sequence[Event], *, status: int = _OK) -> Report:
        """Hand over events, one after the other, and give what that took.

        Raises:
            FunctionFailedError: where it ends, or answers with another status.
        """
        commands = cast("IO[str]", self._process.stdin)
        commands.write(json.dumps(events) + "\n")
        commands.flush()
        line = self._reports.readline()
        if not line:
            raise FunctionFailedError(f"it ended with {self._process.wait()}")
        report: Report = json.loads(line)
        if report["statuses"] != [status]:
            raise FunctionFailedError(f"it answered {report['statuses']}: {report['last']}")
        return report

    def logged(self, report: Report) -> bytes:
        """Give what it printed while it made a report."""
        start, end = report["log"]
        self._log.seek(start)
        return self._log.read(end - start)


@contextmanager
def running(
    contestant: Contestant,
    bundle: Bundle,
    *,
    python: LambdaPython,
    services: CannedServices,
    look: bool = False,
    under: Sequence[str] = (),
) -> Iterator[RunningFunction]:
    """Start a function; `under` is a program that it is to run under."""
    reading, writing = os.pipe()
    with ExitStack() as stack:
        reports = stack.enter_context(os.fdopen(reading))
        log = stack.enter_context(tempfile.TemporaryFile())
        # -B, for Lambda's file system cannot be written to; -u, for its log is not buffered.
        command = [
            *under,
            *(python.path, "-I", "-S", "-B", "-u", str(_RUNTIME)),
            *(str(writing), str(bundle.path), contestant.handler),
            *(["look"] if look else []),
        ]
        try:
            process = subprocess.Popen(  # noqa: S603 - found by `lambda_python`, on `runtime.py`
                command,
                stdin=subprocess.PIPE,
                stdout=log,
                text=True,
                env=services.environment(contestant, bundle),
                cwd=bundle.path,
                pass_fds=(writing,),
            )
        finally:
            os.close(writing)
        with process:
            try:
                yield RunningFunction(process, reports, log)
            finally:
                cast("IO[str]", process.stdin).close()
                process.wait()


def start_and_answer(
    contestant: Contestant,
    bundle: Bundle,
    event: Event,
    *,
    python: LambdaPython,
    services: CannedServices,
) -> Report:
    """Start a function for one event; the report says when it was `started_at`, too."""
    started = time.monotonic()
    with running(contestant, bundle, python=python, services=services) as function:
        return {**function.answer([event]), "started_at": started}
