"""How long tests wait for an event that should happen immediately."""

from __future__ import annotations

from typing import Final

SAFETY_NET_SECONDS: Final = 120.0
"""A test fails if an event takes longer; even a busy machine needs far less time."""

LATE_SECONDS: Final = 20.0
"""How much later than its limit a response may come on a busy machine.

A wait without a limit takes `ENDLESS_SECONDS`, so it fails the test.
"""

ENDLESS_SECONDS: Final = 60.0
"""A fake that never ends its response waits this long for the client to disconnect."""
