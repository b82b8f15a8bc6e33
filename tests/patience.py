"""How long tests wait for something that should happen immediately."""

from __future__ import annotations

from typing import Final

SAFETY_NET_SECONDS: Final = 120.0
"""A test fails if something takes longer; even a busy machine stays far below."""

LATE_SECONDS: Final = 20.0
"""How much later than its limit something may come, on a machine that is busy with other work.

What has no limit comes `ENDLESS_SECONDS` later, so that it fails the test.
"""

ENDLESS_SECONDS: Final = 60.0
"""How long a fake that never answers stays silent, or never ends an answer."""
