"""Writes docs/monitoring.md and docs/dashboard.svg: `python -m tests.infra.monitoring_page`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Final

from aws_cdk import App
from aws_cdk.assertions import Template

from functions.ratings.metrics import Metric
from functions.token_rotation.metrics import DAYS_LEFT
from infra.alarms import ROLLBACK, RUNBOOK, AlarmId
from infra.metrics import GATEWAY_THROTTLED
from infra.queries import ACCESS_QUERIES, RATINGS_QUERIES
from infra.settings import STAGES
from infra.stack import RatingsStack
from tests.infra.cloudwatch import alarms
from tests.infra.dashboard_picture import picture
from tests.infra.dashboards import widgets
from tests.infra.incidents import INCIDENTS, Incident
from tests.infra.resources import Resources

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.infra.cloudwatch import Alarm

REPOSITORY: Final = Path(__file__).parents[2]
PAGE: Final = REPOSITORY / "docs" / "monitoring.md"
PICTURE: Final = REPOSITORY / "docs" / "dashboard.svg"

OWN_METRICS: Final = (*(metric.value for metric in Metric), DAYS_LEFT, GATEWAY_THROTTLED)

METRIC_USD: Final = 0.30
ALARM_METRIC_USD: Final = 0.10
DASHBOARD_USD: Final = 3.00
"""By the month, in us-east-1; source: https://aws.amazon.com/cloudwatch/pricing/."""

_SYMBOLS: Final = {"GreaterThanOrEqualToThreshold": "≥", "LessThanThreshold": "<"}

_TEXT: Final = """\
# Monitoring

What is watched, and what rings. This page is written from the template and from the table that the tests run
(`tests/infra/incidents.py`); [operations.md](operations.md#when-an-alarm-rings) says what to do.

## The dashboard

Its layout, drawn from its definition. Its name is the output `Dashboard`.

![The dashboard's widgets: alarms, what users feel, what causes it, what it costs](dashboard.svg)

## The alarms

All tell the topic `AlarmTopic`. `counted` is what the alarm sees, `requests` the gateway's `Count`, both over the
period. No data counts as nothing wrong, but for the token's days, which stand until the next report. A release is taken
back by {rollback}, and in a stage with a canary by an alarm of the release's own, on
[crashes of the new version](operations.md#an-alarm-the-function-crashed), which is not in this table.

| alarm | sees | rings at | in |
|---|---|---|---|
{alarms}

## Incidents

Each is played to the template's own alarms, after two hours of good but not perfect traffic (0.1% of failures, 0.3% of
DynamoDB's answers too late), wherever in an alarm's period it begins. The minutes are the longest that it took from the
beginning to the end of the period that rang, to half a minute; metrics take one or two more to arrive. No other alarm
rings.

| what | what happens | what rings, within |
|---|---|---|
{incidents}

And what must ring nothing:

| what | what happens |
|---|---|
{silent}

Fewer than five failed requests in a minute ring only if they go on for three quarters of an hour; fewer than five in a
quarter of an hour never do. With fewer than 100 requests a minute, slow answers ring only once they are failed ones.

## Saved queries

In Logs Insights, in a folder of the stack's name:

{queries}

## What it costs

By the month and stage, at AWS's prices for us-east-1; an account's first ten metrics, ten alarms' metrics and three
dashboards are free, and a metric costs only for the hours in which it is sent.

| | number | USD each | USD |
|---|---|---|---|
{costs}
"""


def monitoring_page(service: Resources) -> str:
    found = alarms(service)
    return _TEXT.format(
        rollback=" and ".join(f"*{id_.value}*" for id_ in ROLLBACK),
        alarms="\n".join(_alarm_row(id_, found[id_.value]) for id_ in AlarmId),
        incidents="\n".join(_incident_row(each) for each in INCIDENTS if each.rings),
        silent="\n".join(
            f"| {each.name} | {each.happens} |" for each in INCIDENTS if not each.rings
        ),
        queries="\n".join(f"- {each.name}" for each in (*RATINGS_QUERIES, *ACCESS_QUERIES)),
        costs="\n".join(_cost_rows(list(found.values()))),
    )


def dashboard_picture(service: Resources) -> str:
    return picture(widgets(service), [id_.value for id_ in AlarmId])


def _alarm_row(id_: AlarmId, alarm: Alarm) -> str:
    names = {
        query_id: f"`{query.source.name}` {query.statistic}"
        for query_id, query in alarm.queries.items()
        if query_id != "requests"
    }
    (sees,) = names.values()
    terms = f"{_SYMBOLS[alarm.comparison]} {alarm.threshold:g}"
    if alarm.expression != next(iter(alarm.queries)):
        terms = f"`{alarm.expression}` {terms}"
    minutes = alarm.period_seconds // 60
    period = f"{minutes} min" if minutes < 24 * 60 else f"{minutes // 60 // 24} day"
    within = f"{alarm.datapoints} of {alarm.periods} × {period}"
    return f"| [{id_.value}](operations.md#{RUNBOOK[id_]}) | {sees} | {terms} | {within} |"


def _incident_row(incident: Incident) -> str:
    rings = ", ".join(f"{id_.value} {_time(minutes)}" for id_, minutes in incident.rings.items())
    return f"| {incident.name} | {incident.happens} | {rings} |"


def _time(minutes: float) -> str:
    days = minutes / 60 / 24
    return f"{days:g} days" if days >= 1 else f"{minutes:g} min"


def _cost_rows(found: list[Alarm]) -> Iterator[str]:
    parts = {
        "own metrics": (len(OWN_METRICS), METRIC_USD),
        f"metrics in {len(found)} alarms": (
            sum(len(each.queries) for each in found),
            ALARM_METRIC_USD,
        ),
        "dashboard": (1, DASHBOARD_USD),
    }
    for what, (number, each) in parts.items():
        yield f"| {what} | {number} | {each:.2f} | {number * each:.2f} |"
    total = sum(number * each for number, each in parts.values())
    yield f"| together | | | {total:.2f} |"


def _synthesised() -> Resources:
    context = json.loads((REPOSITORY / "cdk.json").read_text("utf-8"))["context"]
    app = App(context={**context, "aws:cdk:bundling-stacks": []})
    stack = RatingsStack(app, "service", settings=STAGES["prod"])
    return Resources(Template.from_stack(stack).to_json())


if __name__ == "__main__":
    synthesised = _synthesised()
    PAGE.write_text(monitoring_page(synthesised), "utf-8")
    PICTURE.write_text(dashboard_picture(synthesised), "utf-8")
