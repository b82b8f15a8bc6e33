"""Good and bad releases, and whether the canary is rolled back."""

from __future__ import annotations

from typing import Final

from infra.observability.alarms import AlarmId
from tests.infra.observability.traffic import release

BAD: Final = (
    release(
        "Fails everything", "5xx", requests=40, failed=1, rolls_back={AlarmId.CANARY_FAILURES: 2}
    ),
    release(
        "Fails everything", "5xx", requests=1000, failed=1, rolls_back={AlarmId.CANARY_FAILURES: 2}
    ),
    release(
        "Crashes for everything",
        "Lambda's errors",
        requests=40,
        crashed=1,
        rolls_back={AlarmId.CANARY_FAILURES: 2},
    ),
    release(
        "Crashes for everything",
        "Lambda's errors",
        requests=1000,
        crashed=1,
        rolls_back={AlarmId.CANARY_FAILURES: 2},
    ),
    release(
        "Fails 40%",
        "5xx for 40%",
        requests=300,
        failed=0.4,
        rolls_back={AlarmId.CANARY_FAILURES: 2},
    ),
    release(
        "Fails 40%",
        "5xx for 40%",
        requests=1000,
        failed=0.4,
        rolls_back={AlarmId.CANARY_FAILURES: 2},
    ),
    release(
        "Fails every write",
        "a tenth are writes",
        requests=300,
        failed=0.1,
        rolls_back={AlarmId.CANARY_FAILURES: 2.5},
    ),
    release(
        "Fails every write",
        "a tenth are writes",
        requests=1000,
        failed=0.1,
        rolls_back={AlarmId.CANARY_FAILURES: 2},
    ),
    release(
        "Crashes and 5xx",
        "3% each",
        requests=1000,
        failed=0.03,
        crashed=0.03,
        rolls_back={AlarmId.CANARY_FAILURES: 2},
    ),
    release(
        "1.5 s slower",
        "1.62 s each",
        requests=40,
        milliseconds=1620,
        rolls_back={AlarmId.CANARY_LATENCY: 2},
    ),
    release(
        "1.5 s slower",
        "1.62 s each",
        requests=300,
        milliseconds=1620,
        rolls_back={AlarmId.CANARY_LATENCY: 2},
    ),
    release(
        "1.5 s slower",
        "1.62 s each",
        requests=1000,
        milliseconds=1620,
        rolls_back={AlarmId.CANARY_LATENCY: 2},
    ),
)

GOOD: Final = (
    release("A good release", "nothing changes", requests=40),
    release("A good release", "each request is a cold start", requests=300, milliseconds=900),
    release("A good release", "each request is a cold start", requests=1000, milliseconds=900),
    release("A crash in a good release", "one crash per minute", requests=60_000, crashed=1 / 6000),
)

UNSEEN: Final = (
    release("Fails everything, unseen", "5xx", requests=15, failed=1),
    release("Fails 40%, unseen", "5xx for 40%", requests=40, failed=0.4),
    release("Fails 4%, unseen", "5xx for 4%", requests=1000, failed=0.04),
    release("Slower, unseen", "each takes 1.62 s", requests=15, milliseconds=1620),
    release("Somewhat slower, unseen", "each takes 0.9 s", requests=1000, milliseconds=900),
)

RELEASES: Final = (*BAD, *GOOD, *UNSEEN)
