"""The simulated faults."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from math import inf
from typing import Final

from bench.fleet import figures
from bench.fleet.figures import Figure, Run
from bench.fleet.fleet import BROKEN_ID, Fleet, Load, Served, Size
from bench.fleet.services import RESPONSE_SECONDS, developer_token

BEFORE_SECONDS: Final = 2.0  # the time without a fault before the fault begins
AFTER_SECONDS: Final = 5.0  # from the end of `recovery_seconds` to the end of the simulation


@dataclass(frozen=True, kw_only=True)
class Scenario:
    """A fault that lasts `seconds`; then the fleet must recover within `recovery_seconds`."""

    title: str
    load: Load
    seconds: float
    begin: Callable[[Fleet], None]
    end: Callable[[Fleet], None]
    measure: Callable[[Run], Iterable[Figure]]
    recovery_seconds: float
    is_affected: Callable[[Served], bool] = figures.is_error  # such a request delays the recovery

    def run(self, size: Size) -> Run:
        """Simulate a fleet before, during and after the fault."""
        fleet = Fleet(size, self.load)
        clock = fleet.clock
        if not self.load.is_cold:
            clock.run(clock.monotonic() + BEFORE_SECONDS)
        began = clock.monotonic()
        self.begin(fleet)
        quota = fleet.apple.quota
        clock.run(began + self.seconds)
        self.end(fleet)
        clock.run(began + self.seconds + self.recovery_seconds + AFTER_SECONDS)
        return Run(fleet, began=began, seconds=self.seconds, quota=quota)

    def figures(self, run: Run) -> list[Figure]:
        """Measure the figures, and the time to recover if it has a limit."""
        found = list(self.measure(run))
        if self.recovery_seconds:
            found.append(
                Figure("s to recover", run.recovery(self.is_affected), self.recovery_seconds)
            )
        return found


def _throttle(fleet: Fleet) -> None:
    fleet.apple.quota = fleet.session_rate / 2


def _set(service: str, **attributes: object) -> Callable[[Fleet], None]:
    def apply(fleet: Fleet) -> None:
        for name, value in attributes.items():
            setattr(getattr(fleet, service), name, value)

    return apply


_SILENCE: Final = (_set("apple", is_silent=True), _set("apple", is_silent=False))
_REVOKED: Final = developer_token("first")
_RENEWED: Final = developer_token("second")

DYNAMODB_SILENT: Final = Scenario(
    title="DynamoDB silent",
    load=Load(share=0.5),
    seconds=30,
    begin=_set("dynamodb", is_silent=True),
    end=_set("dynamodb", is_silent=False),
    measure=figures.dynamodb_silent,
    is_affected=figures.is_bypass,
    recovery_seconds=10,
)
THROTTLED: Final = Scenario(
    title="Apple's quota is half of the demand, clients poll",
    load=Load(poll_seconds=4.0),
    seconds=60,
    begin=_throttle,
    end=_set("apple", quota=inf),
    measure=figures.throttled,
    recovery_seconds=31,
)
SILENT: Final = Scenario(
    title="Apple silent",
    load=Load(),
    seconds=45,
    begin=_SILENCE[0],
    end=_SILENCE[1],
    measure=figures.silent,
    recovery_seconds=19,
)
SCENARIOS: Final = (
    THROTTLED,
    SILENT,
    Scenario(
        title="Apple answers in 1.8 s, half of the users have a stale copy",
        load=Load(share=0.1, stale_share=0.5, write_share=0.1),
        seconds=30,
        begin=_set("apple", seconds=(1.75, 1.85)),
        end=_set("apple", seconds=RESPONSE_SECONDS),
        measure=figures.slow,
        recovery_seconds=1,
    ),
    Scenario(
        title="one item that Apple answers with 500",
        load=Load(broken_share=0.5),
        seconds=20,
        begin=_set("apple", broken_id=BROKEN_ID),
        end=_set("apple", broken_id=None),
        measure=figures.bad_item,
        recovery_seconds=1,
    ),
    Scenario(
        title="developer token revoked",
        load=Load(),
        seconds=25,
        begin=_set("apple", revoked=_REVOKED),
        end=_set("secrets", text=_RENEWED),
        measure=figures.revoked,
        recovery_seconds=10.5,
    ),
    Scenario(
        title="no readable developer token",
        load=Load(is_cold=True),
        seconds=15,
        begin=_set("secrets", text=""),
        end=_set("secrets", text=_RENEWED),
        measure=figures.unreadable,
        recovery_seconds=2.5,
    ),
    Scenario(
        title="Secrets Manager silent",
        load=Load(is_cold=True),
        seconds=15,
        begin=_set("secrets", is_silent=True),
        end=_set("secrets", is_silent=False),
        measure=figures.unreadable,
        recovery_seconds=3.5,
    ),
    DYNAMODB_SILENT,
    Scenario(
        title="all environments start at once",
        load=Load(is_cold=True),
        seconds=5,
        begin=_set("secrets"),  # sets nothing, so the fleet has no fault
        end=_set("secrets"),
        measure=figures.starts,
        recovery_seconds=0,
    ),
)
