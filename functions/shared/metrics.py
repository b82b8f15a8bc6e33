"""The namespace and the dimensions of all functions' metrics; the stack uses them too."""

from __future__ import annotations

from typing import Final

NAMESPACE: Final = "AppleMusicRatings"
SERVICE_DIMENSION: Final = "service"  # its value is POWERTOOLS_SERVICE_NAME
FUNCTION_DIMENSION: Final = "function_name"  # separates the stages in one account
VERSION_DIMENSION: Final = "function_version"  # separates a canary from the version it replaces
