"""The names of the metrics that the ratings function sends; the stack makes alarms of them."""

from __future__ import annotations

from typing import Final

NAMESPACE: Final = "AppleMusicRatings"

SERVICE_DIMENSION: Final = "service"
"""Holds POWERTOOLS_SERVICE_NAME."""

FUNCTION_DIMENSION: Final = "function_name"
"""Holds the function's name, which keeps the stages of one account apart."""

NO_DEVELOPER_TOKEN: Final = "NoDeveloperToken"  # noqa: S105 - a metric's name
"""Requests that were answered with 503/50390, counted: someone has to put a token."""
