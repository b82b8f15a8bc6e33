"""The names under which the function's metrics are found, by the alarms too."""

from __future__ import annotations

from typing import Final

NAMESPACE: Final = "AppleMusicRatings"

DAYS_LEFT: Final = "DeveloperTokenDaysLeft"
"""How many days the developer token in use still lives; sent daily and after each renewal."""

SERVICE_DIMENSION: Final = "service"
"""Holds POWERTOOLS_SERVICE_NAME."""

FUNCTION_DIMENSION: Final = "function_name"
"""Holds the function's name, which keeps the stages of one account apart."""
