"""The CDK context of the local stage; the emulator imports it without any AWS library."""

from __future__ import annotations

from typing import Final

LOCAL_STAGE: Final = "local"

CONTEXT_KEY: Final = "local"
"""The CDK context key with a JSON object of changed settings of the local stage."""
