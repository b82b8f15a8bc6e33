"""The sign-in function on this machine, in one process."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from dev.server.lambda_pool import LambdaPool
from functions.sign_in.settings import Settings

HANDLER: Final = "functions.sign_in.handler.lambda_handler"

_PORTS: Final = (3000, 4200, 5173, 8000, 8080, 8100)
"""The usual ports of web frameworks' development servers."""

LOOPBACK_ORIGINS: Final = (
    *(f"http://{host}:{port}" for host in ("localhost", "127.0.0.1") for port in _PORTS),
    *("http://localhost", "capacitor://localhost", "ionic://localhost"),
)
"""The origins whose pages get tokens if `SIGN_IN_ORIGINS` names no others."""


def sign_in_pool(
    variables: Mapping[str, str],
    *,
    signing_key_secret: str,
    origins: tuple[str, ...],
    write_output: Callable[[str], None],
) -> LambdaPool:
    """Return the sign-in function's pool; its settings are added to `variables`."""
    settings = Settings(signing_key_secret_id=signing_key_secret, allowed_origins=origins)
    return LambdaPool(
        variables={**variables, **settings.to_env(), "_HANDLER": HANDLER},
        size=1,
        write_output=write_output,
    )
