"""Writes docs/monitoring.md: `python -m tests.infra.observability.monitoring_page`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from infra.observability.alarms import ROLLBACK, AlarmId
from infra.observability.queries import ACCESS_QUERIES, RATINGS_QUERIES
from infra.stages import STAGES
from tests.infra.observability.cloudwatch import alarm_properties, alarms
from tests.infra.observability.dashboards import widgets
from tests.infra.observability.incidents import INCIDENTS
from tests.infra.resources import REPOSITORY, Resources

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.infra.observability.cloudwatch import Alarm
    from tests.infra.observability.traffic import Incident

PAGE: Final = REPOSITORY / "docs" / "monitoring.md"

_SYMBOLS: Final = {"GreaterThanOrEqualToThreshold": "≥", "LessThanThreshold": "<"}

_TEXT: Final = """\
# Monitoring

The dashboard, the alarms and the incidents that fire them. Tests generate this page from the template and from
`tests/infra/observability/incidents.py`. [operations.md](operations.md#when-an-alarm-fires) says what to do.

## The dashboard

The output `Dashboard` has its name. The first row has the state of every alarm.

| section | widgets |
|---|---|
{dashboard}

## The alarms

All alarms notify the topic `AlarmTopic`. `counted` is the metric of the alarm and `requests` is the gateway's `Count`, both
over the period. Missing data does not breach, except that *DeveloperTokenDaysLeft* keeps its state until the next report.
{rollback} roll back a release. A stage with a canary has one more alarm, on
[crashes of the new version](operations.md#an-alarm-the-function-crashed).

| alarm | metric | fires at | in |
|---|---|---|---|
{alarms}

## Incidents

Tests run each incident against the alarms of the template, after two hours of normal traffic (0.1% of requests fail, 0.3%
of DynamoDB's responses are late), for every phase of an alarm's period. The minutes are the longest time from the start of
the incident to the end of the period that fires, to half a minute. Metrics arrive one or two minutes later. No other
alarm fires.

| incident | what happens | alarms, within |
|---|---|---|
{incidents}

These incidents fire no alarm:

| incident | what happens |
|---|---|
{silent}

Fewer than five failed requests per minute fire an alarm only after 45 minutes; fewer than five per quarter of an hour never
do. With fewer than 100 requests per minute, slow responses fire an alarm only when they fail.

## Saved queries

In Logs Insights, in a folder with the stack's name:

{queries}
"""


def monitoring_page(service: Resources) -> str:
    found = alarms(service)
    return _TEXT.format(
        dashboard="\n".join(_section_rows(service)),
        rollback=" and ".join(f"*{id_.value}*" for id_ in ROLLBACK),
        alarms="\n".join(_alarm_row(found[id_.value], _runbook(service, id_)) for id_ in AlarmId),
        incidents="\n".join(_incident_row(each) for each in INCIDENTS if each.fires),
        silent="\n".join(
            f"| {each.name} | {each.description} |" for each in INCIDENTS if not each.fires
        ),
        queries="\n".join(f"- {each.name}" for each in (*RATINGS_QUERIES, *ACCESS_QUERIES)),
    )


def _section_rows(service: Resources) -> Iterator[str]:
    sections: list[tuple[str, list[str]]] = []
    for widget in widgets(service)[1:]:
        if "markdown" in widget:
            sections.append((widget["markdown"].removeprefix("## "), []))
        else:
            sections[-1][1].append(widget["title"])
    for section, titles in sections:
        yield f"| {section} | {' · '.join(titles)} |"


def _runbook(service: Resources, id_: AlarmId) -> str:
    description: str = alarm_properties(service)[id_.value]["AlarmDescription"]
    return description.rpartition("docs/")[2]


def _alarm_row(alarm: Alarm, runbook: str) -> str:
    (metric,) = (
        f"`{query.source.name}` {query.statistic}"
        for query_id, query in alarm.queries.items()
        if query_id != "requests"
    )
    terms = f"{_SYMBOLS[alarm.comparison]} {alarm.threshold:g}"
    if alarm.expression not in alarm.queries:
        terms = f"`{alarm.expression}` {terms}"
    minutes = alarm.period_seconds // 60
    period = f"{minutes} min" if minutes < 24 * 60 else f"{minutes // 60 // 24} day"
    within = f"{alarm.datapoints} of {alarm.periods} × {period}"
    return f"| [{alarm.name}]({runbook}) | {metric} | {terms} | {within} |"


def _incident_row(incident: Incident) -> str:
    fires = ", ".join(f"{id_.value} {_time(minutes)}" for id_, minutes in incident.fires.items())
    return f"| {incident.name} | {incident.description} | {fires} |"


def _time(minutes: float) -> str:
    days = minutes / 60 / 24
    return f"{days:g} days" if days >= 1 else f"{minutes:g} min"


if __name__ == "__main__":
    PAGE.write_text(monitoring_page(Resources.of_stage(STAGES["prod"])), "utf-8")
