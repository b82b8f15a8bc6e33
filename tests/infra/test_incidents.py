from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from infra.alarms import AlarmId
from tests.infra.cloudwatch import Alarm, Query, Samples, Source, alarms
from tests.infra.incidents import BEFORE_MINUTES, INCIDENTS, Incident

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.infra.resources import Resources

ANY = Source("namespace", "name", "sender")


@pytest.mark.parametrize("incident", INCIDENTS, ids=lambda each: each.name)
def test_an_incident_rings_these_alarms_within_these_minutes_and_no_others(
    service: Resources, incident: Incident
) -> None:
    seen = {name: incident.seen(alarm) for name, alarm in alarms(service).items()}

    rung = {name: each for name, each in seen.items() if each != {None}}
    assert set(rung) == {id_.value for id_ in incident.rings}
    # Not now and then, as the clock has it, but always.
    assert all(None not in each for each in rung.values())
    assert {name: max(filter(None, each)) for name, each in rung.items()} == {
        id_.value: minutes for id_, minutes in incident.rings.items()
    }


def test_every_alarm_rings_in_some_incident(service: Resources) -> None:
    rung = {id_ for incident in INCIDENTS for id_ in incident.rings}

    assert rung == set(AlarmId)
    assert set(alarms(service)) == {id_.value for id_ in AlarmId}


def test_before_an_incident_there_is_more_than_any_alarm_looks_back_on(
    service: Resources,
) -> None:
    looked_back_on = [
        alarm.period_seconds * (alarm.periods + 2)
        for alarm in alarms(service).values()
        if alarm.period_seconds < 86_400
    ]

    assert max(looked_back_on) <= BEFORE_MINUTES * 60
    assert all(
        BEFORE_MINUTES * 60 % alarm.period_seconds == 0
        for alarm in alarms(service).values()
        if alarm.period_seconds < 86_400
    )


def _alarm(**changed: Any) -> Alarm:
    given: dict[str, Any] = {
        "name": "any",
        "queries": {},
        "expression": "metric",
        "period_seconds": 60,
        "comparison": "GreaterThanOrEqualToThreshold",
        "threshold": 1,
        "periods": 3,
        "datapoints": 3,
        "missing": "notBreaching",
    }
    return Alarm(**{**given, **changed})


_POINTS: Mapping[str, float | None] = {"0": 0, "X": 1, "-": None}


@pytest.mark.parametrize(
    ("points", "datapoints", "rings"),
    [
        ("0-X-X", 3, False),
        ("0----", 3, False),
        ("-----", 3, False),
        ("0XX-X", 3, True),
        ("--X--", 3, False),
        ("0-X-X", 2, True),
        ("00X0X", 2, True),
        ("0-X--", 2, False),
        ("----0", 2, False),
        ("---X-", 2, False),
    ],
)
def test_missing_data_is_taken_as_the_tables_of_the_user_guide_have_it(
    points: str, datapoints: int, rings: bool
) -> None:
    alarm = _alarm(datapoints=datapoints)

    assert alarm.rings([_POINTS[each] for each in points], ringing=False) is rings


@pytest.mark.parametrize("ringing", [True, False])
def test_an_alarm_that_stands_until_it_is_told_does(ringing: bool) -> None:
    alarm = _alarm(periods=1, datapoints=1, missing="ignore")

    assert alarm.rings([None, None], ringing=ringing) is ringing
    assert alarm.rings([1, None], ringing=False)
    assert not alarm.rings([1, 0], ringing=True)


def test_a_value_that_lacks_a_part_is_missing() -> None:
    sources = {"counted": ANY, "requests": Source("namespace", "other", "sender")}
    alarm = _alarm(
        queries={id_: Query(source=each, statistic="Sum") for id_, each in sources.items()},
        expression="IF(counted >= 5, 100 * counted / requests, 0)",
        periods=1,
        datapoints=1,
        threshold=50,
    )

    def ring(**sent: float) -> set[int | None]:
        recording = {sources[id_]: {0: [Samples(value)]} for id_, value in sent.items()}
        return alarm.first_rings(recording, ticks=4, phase=0)

    assert ring(counted=5, requests=10) == {2}
    assert ring(counted=5, requests=11) == {None}
    assert ring(counted=4, requests=4) == {None}
    assert ring(counted=5) == {None}
    assert ring(requests=5) == {None}


def test_a_percentile_is_that_of_the_samples_in_the_period() -> None:
    alarm = _alarm(
        queries={"metric": Query(source=ANY, statistic="p99")},
        periods=1,
        datapoints=1,
        threshold=3000,
    )

    def ring(slow: float) -> set[int | None]:
        samples = [Samples(100, 100 - slow), Samples(4000, slow)]
        return alarm.first_rings({ANY: {0: samples}}, ticks=4, phase=0)

    assert ring(1) == {None}
    assert ring(2) == {2}
