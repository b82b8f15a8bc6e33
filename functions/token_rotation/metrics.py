"""The name of the function's metric, for the function, its alarms and the dashboard."""

from __future__ import annotations

from typing import Final

DAYS_LEFT: Final = "DeveloperTokenDaysLeft"
"""The days until the developer token in use expires; sent daily and after each rotation."""
