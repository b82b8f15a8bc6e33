"""The CDK context of the local stage, in a module that `dev` can import without the CDK."""

from __future__ import annotations

from typing import Final

LOCAL_STAGE: Final = "local"

CONTEXT_KEY: Final = "local"
"""The CDK context key of a JSON object: settings that replace those of the local stage."""
