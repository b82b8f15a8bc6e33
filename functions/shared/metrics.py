"""The names under which both functions send metrics; the stack reads them too."""

from __future__ import annotations

from typing import Final

NAMESPACE: Final = "AppleMusicRatings"

SERVICE_DIMENSION: Final = "service"
"""Contains POWERTOOLS_SERVICE_NAME."""

FUNCTION_DIMENSION: Final = "function_name"
"""Contains the function's name, which separates the stages in one account."""
