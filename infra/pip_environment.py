"""Which of pip's settings an installation takes from the environment.

The standard library alone is imported here: set-up runs this before anything is installed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

_KEPT: Final = frozenset(
    {
        "PIP_CACHE_DIR",
        "PIP_CERT",
        "PIP_CLIENT_CERT",
        "PIP_CONFIG_FILE",
        "PIP_DEFAULT_TIMEOUT",
        "PIP_EXTRA_INDEX_URL",
        "PIP_FIND_LINKS",
        "PIP_INDEX_URL",
        "PIP_KEYRING_PROVIDER",
        "PIP_NO_CACHE_DIR",
        "PIP_NO_INDEX",
        "PIP_PROXY",
        "PIP_RETRIES",
        "PIP_TIMEOUT",
        "PIP_TRUSTED_HOST",
    }
)


def pip_environment(environment: Mapping[str, str]) -> dict[str, str]:
    """Return the environment with only those pip settings that say where packages come from.

    All others change what is installed or where (`PIP_TARGET`, `PIP_USER`, `PIP_NO_DEPS`, …), which
    the command lines of this project state themselves.
    """
    return {
        name: value
        for name, value in environment.items()
        if not name.startswith("PIP_") or name in _KEPT
    }
