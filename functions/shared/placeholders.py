"""The first words of the secrets' placeholders. Deployed secrets contain them: never edit."""

from __future__ import annotations

from typing import Final

NO_DEVELOPER_TOKEN: Final = "no developer token yet"  # noqa: S105 - not a token
NO_SIGNING_KEY: Final = "no signing key yet"
