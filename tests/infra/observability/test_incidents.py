from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from infra.observability.alarms import AlarmId
from tests.infra.observability.cloudwatch import alarms
from tests.infra.observability.incidents import INCIDENTS
from tests.infra.observability.traffic import BEFORE_MINUTES, Incident

if TYPE_CHECKING:
    from tests.infra.resources import Resources


@pytest.mark.parametrize("incident", INCIDENTS, ids=lambda each: each.name)
def test_an_incident_fires_these_alarms_within_these_minutes_and_no_others(
    service: Resources, incident: Incident
) -> None:
    minutes = {name: incident.minutes_to_fire(alarm) for name, alarm in alarms(service).items()}

    fired = {name: each for name, each in minutes.items() if each != {None}}
    # In every phase of the alarm's period, not only in some.
    assert all(None not in each for each in fired.values())
    assert {name: max(filter(None, each)) for name, each in fired.items()} == {
        id_.value: expected for id_, expected in incident.fires.items()
    }


def test_every_alarm_fires_in_an_incident(service: Resources) -> None:
    assert {id_ for incident in INCIDENTS for id_ in incident.fires} == set(AlarmId)
    assert set(alarms(service)) == {id_.value for id_ in AlarmId}
    # No alarm looks back further than the traffic before an incident.
    for alarm in alarms(service).values():
        if alarm.period_seconds < 86_400:
            assert alarm.period_seconds * (alarm.periods + 2) <= BEFORE_MINUTES * 60
            assert BEFORE_MINUTES * 60 % alarm.period_seconds == 0
