"""How whoever deploys to this machine tells the app so: names alone, without any AWS library."""

from __future__ import annotations

from typing import Final

LOCAL_STAGE: Final = "local"

CONTEXT_KEY: Final = "local"
"""The CDK context that holds a JSON object of the local stage's settings that are not as usual."""
