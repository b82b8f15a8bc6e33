"""The names under which the function's metrics are found, by the alarms too."""

from __future__ import annotations

from typing import Final

DAYS_LEFT: Final = "DeveloperTokenDaysLeft"
"""How many days the developer token in use still lives; sent daily and after each renewal."""
