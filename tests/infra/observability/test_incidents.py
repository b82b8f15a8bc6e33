from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import pytest

from infra.observability.alarms import PARTS, AlarmId, PageId
from tests.infra.observability.cloudwatch import DAY_MINUTES, alarms
from tests.infra.observability.incidents import INCIDENTS
from tests.infra.observability.notifications import Monitoring
from tests.infra.observability.traffic import DAY, OFFSETS, Incident, instants

if TYPE_CHECKING:
    from tests.infra.observability.notifications import Notifications
    from tests.infra.resources import Resources


@pytest.fixture(scope="session")
def monitoring(full: Resources) -> Monitoring:
    return Monitoring.of(full)


def _latest(outcomes: list[tuple[float, Notifications]]) -> dict[str, float]:
    """Return the longest time until each notification; all outcomes must have the same ones.

    None may repeat within a day.
    """
    latest: dict[str, float] = {}
    names = [{name for name, times in each.items() if times} for _, each in outcomes]
    assert all(each == names[0] for each in names)
    for start, notifications in outcomes:
        for name, times in notifications.items():
            assert len(times) <= 1 or all(b - a >= DAY for a, b in pairwise(times)), (name, times)
            if times:
                latest[name] = max(latest.get(name, 0), times[0] - start)
    return latest


def play(monitoring: Monitoring, incident: Incident) -> list[dict[str, float]]:
    outcomes = []
    for start in OFFSETS:
        recording, minutes = incident.record(start)
        outcomes += [(start, each) for each in monitoring.play(recording, instants(start, minutes))]
    return [_latest([(start, each[kind]) for start, each in outcomes]) for kind in range(3)]


@pytest.mark.parametrize("incident", INCIDENTS, ids=lambda each: f"{each.name}, {each.description}")
def test_an_incident_fires_exactly_the_expected_pages_tickets_and_rollbacks_in_time(
    monitoring: Monitoring, incident: Incident
) -> None:
    assert play(monitoring, incident) == [
        {id_.value: minutes for id_, minutes in expected.items()}
        for expected in (incident.pages, incident.tickets, incident.rolls_back)
    ]


def test_every_page_ticket_and_canary_alarm_fires_in_an_incident(monitoring: Monitoring) -> None:
    notified: set[AlarmId | PageId] = set()
    for each in INCIDENTS:
        notified |= {*each.pages, *each.tickets, *each.rolls_back}

    assert notified == {*PageId, *AlarmId} - PARTS
    assert set(monitoring.pages) == {id_.value for id_ in PageId}
    assert set(monitoring.alarms) == {id_.value for id_ in AlarmId}


@pytest.mark.parametrize(("stage", "absent"), [("dev", ("Canary", "SignIn")), ("prod", "SignIn")])
def test_a_stage_has_every_alarm_except_the_alarms_of_disabled_features(
    monitoring: Monitoring, service: Resources, absent: str | tuple[str, ...]
) -> None:
    found = Monitoring.of(service)

    assert found.pages == monitoring.pages
    assert found.alarms == {
        name: alarm for name, alarm in monitoring.alarms.items() if not name.startswith(absent)
    }


def test_cloudwatch_accepts_the_window_and_the_number_of_metrics_of_every_alarm(
    service: Resources,
) -> None:
    for alarm in alarms(service).values():
        longest = 7 * DAY_MINUTES if alarm.period >= 60 else DAY_MINUTES
        assert alarm.period * alarm.periods <= longest
        assert len(alarm.queries) <= 10
