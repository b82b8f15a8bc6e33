"""The notifications of a template's alarms during an incident: pages, tickets and rollbacks.

Source: https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarm-suppression.html
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tests.infra.observability.cloudwatch import (
    EXTRA_POINTS,
    Alarm,
    State,
    alarms,
    construct_id,
    properties_by_name,
)

if TYPE_CHECKING:
    from tests.infra.observability.cloudwatch import Recording
    from tests.infra.resources import Resources

Notifications = Mapping[str, Sequence[int]]
"""The times in minutes at which each alarm notifies."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """A composite alarm; `condition` is its rule in Python's syntax. Times are minutes."""

    condition: str
    suppressor: str | None
    wait: int
    extension: int

    def states(
        self, parts: Mapping[str, Sequence[State]], instants: Sequence[int]
    ) -> Sequence[State]:
        names = set(re.findall(r"\w+", self.condition)) - {"and", "or"}
        return [
            State.ALARM
            if eval(self.condition, {n: parts[n][at] is State.ALARM for n in names})  # noqa: S307 - our own
            else State.OK
            for at, _ in enumerate(instants)
        ]

    def notifies(
        self, own: Sequence[State], suppressor: Sequence[State], instants: Sequence[int]
    ) -> Sequence[int]:
        """Return when the page notifies: neither while the suppressor fires nor shortly after."""
        notified, since, suppressed_until, is_due = [], 0, 0, False
        for at, instant in enumerate(instants[1:], 1):
            if suppressor[at] is State.ALARM:
                suppressed_until = instant + self.extension
            if own[at] is not State.ALARM:
                is_due = False
            elif own[at - 1] is not State.ALARM:
                is_due, since = True, instant
            if is_due and instant >= max(since + self.wait, suppressed_until):
                notified.append(instant)
                is_due = False
        return notified


@dataclass(frozen=True, slots=True)
class Monitoring:
    """The alarms and pages of one template, each by its construct id."""

    alarms: Mapping[str, Alarm]
    pages: Mapping[str, Page]
    silent: frozenset[str]
    """The alarms without an action."""

    @classmethod
    def of(cls, service: Resources) -> Monitoring:
        properties = properties_by_name(service, "AWS::CloudWatch::Alarm")
        return cls(
            alarms(service),
            {
                name: _page(each)
                for name, each in properties_by_name(
                    service, "AWS::CloudWatch::CompositeAlarm"
                ).items()
            },
            frozenset(name for name, each in properties.items() if "AlarmActions" not in each),
        )

    def play(
        self, recording: Recording, instants: Sequence[int]
    ) -> Sequence[tuple[Notifications, Notifications, Notifications]]:
        """Return the pages, tickets and rollbacks, for each of `EXTRA_POINTS`."""
        found = {name: alarm.states(recording, instants) for name, alarm in self.alarms.items()}
        return [
            self._notifications({name: each[world] for name, each in found.items()}, instants)
            for world, _ in enumerate(EXTRA_POINTS)
        ]

    def _notifications(
        self, states: Mapping[str, Sequence[State]], instants: Sequence[int]
    ) -> tuple[Notifications, Notifications, Notifications]:
        assert not any(each[0] is State.ALARM for each in states.values()), "fires too early"
        changes = {name: _changes(each, instants) for name, each in states.items()}
        page_states = {name: page.states(states, instants) for name, page in self.pages.items()}
        never = [State.OK] * len(instants)
        pages = {
            name: page.notifies(
                page_states[name], page_states.get(page.suppressor or "", never), instants
            )
            for name, page in self.pages.items()
        }
        tickets = {name: each for name, each in changes.items() if name not in self.silent}
        canary = {name: each for name, each in changes.items() if name.startswith("Canary")}
        return pages, tickets, canary


def _changes(states: Sequence[State], instants: Sequence[int]) -> Sequence[int]:
    # A change to OK notifies too, but is not counted: it requires no action.
    return [
        instant
        for before, after, instant in zip(states, states[1:], instants[1:], strict=False)
        if after not in {before, State.OK}
    ]


def _page(properties: Mapping[str, Any]) -> Page:
    suppressor = properties.get("ActionsSuppressor")
    return Page(
        condition=_condition(properties["AlarmRule"]),
        suppressor=suppressor and construct_id(suppressor["Fn::GetAtt"][0]),
        wait=properties.get("ActionsSuppressorWaitPeriod", 0) // 60,
        extension=properties.get("ActionsSuppressorExtensionPeriod", 0) // 60,
    )


def _condition(rule: Mapping[str, Any]) -> str:
    text = "".join(
        each if isinstance(each, str) else construct_id(each["Fn::GetAtt"][0])
        for each in rule["Fn::Join"][1]
    )
    names = re.sub(r'ALARM\("(\w+)"\)', r"\1", text)
    return names.replace(" AND ", " and ").replace(" OR ", " or ")
