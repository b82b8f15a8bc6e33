"""Asks Apple Music whether it accepts a developer token, before anything relies on it."""

from __future__ import annotations

import socket
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from http import HTTPStatus
from typing import Any, Final

import urllib3
from urllib3 import exceptions

from functions.token_rotation.errors import AppleUnavailableError, TokenRefusedError

PROBE_SECONDS: Final = 5.0
"""How long Apple is waited for, from the look-up of its name to the end of its headers."""

_PATH: Final = "/v1/test"
_REFUSALS: Final = (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN)


class AppleMusic:
    """One origin, by verified TLS, to which alone a token is sent.

    Redirects are answers like any other, never followed, and proxies of the environment are not
    used.
    """

    def __init__(self, origin: str, *, probe_seconds: float = PROBE_SECONDS) -> None:
        """Ask `origin` (`https://host[:port]`), for `probe_seconds` at most each time."""
        self._origin = origin
        self._seconds = probe_seconds

    def try_token(self, token: str) -> None:
        """Return if Apple accepts the token.

        Raises:
            TokenRefusedError: where Apple says that it does not.
            AppleUnavailableError: where Apple does not say.
        """
        status = self._status(token)
        if status in _REFUSALS:
            raise TokenRefusedError(f"Apple refuses the new token: it answered {status}")
        if status != HTTPStatus.OK:
            raise AppleUnavailableError(f"Apple is down: it answered {status}")

    def _status(self, token: str) -> int:
        # A thread, for no time-out of a socket bounds the look-up of a name, or headers that come
        # a byte at a time.
        probe = _Probe(self._origin, self._seconds)
        executor = ThreadPoolExecutor(max_workers=1, thread_name_prefix="apple-music")
        try:
            return executor.submit(probe.run, token).result(timeout=self._seconds)
        except TimeoutError:
            raise AppleUnavailableError("Apple is slow: no answer in time") from None
        finally:
            probe.hang_up()
            executor.shutdown(wait=False)


class _Probe:
    """One request on a connection of its own, which another thread may end."""

    def __init__(self, origin: str, seconds: float) -> None:
        self._pool = urllib3.connection_from_url(origin, maxsize=1, retries=False)
        self._seconds = seconds
        self._connection: Any = None
        connection_class = self._pool.ConnectionCls

        def connect(**arguments: Any) -> Any:
            self._connection = connection_class(**arguments)
            return self._connection

        self._pool.ConnectionCls = connect  # type: ignore[assignment]  # only ever called

    def run(self, token: str) -> int:
        try:
            response = self._pool.urlopen(
                "GET",
                _PATH,
                headers={"Authorization": f"Bearer {token}"},
                redirect=False,
                retries=False,
                timeout=urllib3.Timeout(total=self._seconds),
                preload_content=False,
            )
        except exceptions.NewConnectionError as error:  # a TimeoutError by descent, not by sense
            raise AppleUnavailableError(f"Apple is down: {type(error).__name__}") from None
        except exceptions.TimeoutError:
            raise AppleUnavailableError("Apple is slow: no answer in time") from None
        except exceptions.HTTPError as error:
            raise AppleUnavailableError(f"Apple is down: {type(error).__name__}") from None
        response.close()
        return response.status

    def hang_up(self) -> None:
        if self._connection is not None and (sock := self._connection.sock) is not None:
            with suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)
        self._pool.close()
