"""Filters the pip settings in the environment.

It imports only the standard library, because `dev.setup` runs before anything is installed.
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
    """Return the environment without pip settings that change what is installed, or where.

    Examples are `PIP_TARGET`, `PIP_USER` and `PIP_NO_DEPS`. Settings of the package source stay.
    """
    return {
        name: value
        for name, value in environment.items()
        if not name.startswith("PIP_") or name in _KEPT
    }
