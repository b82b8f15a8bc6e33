"""Writes docs/monitoring.md and the generated part of docs/cost.md.

Run `python -m tests.infra.observability.monitoring_page`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from infra.observability.alarms import CANARY, EXTENSION, PARTS, WAIT, AlarmId, PageId
from infra.observability.metrics import FILTER_PATTERNS
from infra.observability.objectives import FAILED_PERCENT, SLOW_PERCENT
from infra.observability.queries import ACCESS_QUERIES, RATINGS_QUERIES
from infra.stages import STAGES
from tests.infra.full_stage import FULL
from tests.infra.observability import costs, releases
from tests.infra.observability.cloudwatch import properties_by_name
from tests.infra.observability.dashboards import widgets
from tests.infra.observability.incidents import INCIDENTS
from tests.infra.observability.notifications import Monitoring
from tests.infra.resources import REPOSITORY, Resources

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from tests.infra.observability.cloudwatch import Alarm
    from tests.infra.observability.notifications import Page
    from tests.infra.observability.traffic import Incident

PAGE: Final = REPOSITORY / "docs" / "monitoring.md"

_SYMBOLS: Final = {"GreaterThanOrEqualToThreshold": "≥", "LessThanThreshold": "<"}

_TEXT: Final = """\
# Monitoring

For operators: the dashboard, the alarms, and the incidents that fire them. [runbook.md](runbook.md) says what to do when an alarm
fires.

<!-- Generated: python -m tests.infra.observability.monitoring_page. The source is the template of a stage with every optional
feature, and tests/infra/observability/. -->

## Objectives

| what | objective |
|---|---|
| failures | at most {failed}% of the valid requests fail |
| latency | at most {slow}% of all responses take longer than 2 s |

A *valid* request is one that the service must serve: answered 2xx, 404 from the function, 5xx, or 429 because of Apple's rate
limit. It *fails* if it is answered 5xx or 429. Requests that the gateway throttled, that Apple rejected or that the client
must correct are not valid, so that a flood of them cannot hide failures. The access log counts:

| metric | filter pattern |
|---|---|
{filters}

The *burn rate* is the measured percentage divided by the allowed one: 1 exactly meets the objective. A page on an objective
fires if the burn rate is high both in a long window (the problem is serious) and in a short window (the problem has not ended).

## Pages

A page means that users are affected now. It notifies the topic `AlarmTopic` when it fires and when it ends. If the last
column names another page, a page waits {wait} minutes before it notifies, and is silent while the other page fires and for
{extension} minutes afterwards. So most incidents page once.

| page | fires while | suppressed by |
|---|---|---|
{pages}

## Alarms

A *ticket* can wait for the next working day. It notifies the topic `TicketTopic` when it fires and when it ends. The alarms
of the kind *page* only feed the pages above. The alarms of the kind *rollback* exist in a stage with a canary. They read the
metrics of only the new version and do not notify: if one fires, the deployment fails. *SignIn* exists in a stage with
`sign_in_tokens`.

In a formula, `counted` is the row's first metric, `requests` its last, `failed` the one that ends in `Failed`. `fast` is the
percentage of responses that were not slow. The window slides. CloudWatch evaluates it every minute, and once an hour if it is
longer than a day. Missing data does not breach, with two exceptions. *DeveloperTokenDaysLeft* keeps its state until the next
report. *DeveloperTokenReport* can never breach, but changes to `INSUFFICIENT_DATA` after two days without a report, and notifies
then. It starts in that state, so nothing fires before the first report.

| alarm | kind | metrics | fires at | in |
|---|---|---|---|---|
{alarms}

## Incidents

Tests replay each incident against the alarms of the template, after normal traffic (0.05% of requests fail, 0.3% of DynamoDB's
responses are late). The times are the longest from the start of the incident to the notification. Add one or two
minutes, because metrics arrive late. Most incidents last 90 minutes; if one lasts longer, more alarms can fire. Only the
listed pages and tickets notify, each once (*TokenRotationErrors*: once a day). Unless the text gives another rate, the service
gets 1,200 requests per minute.

| incident | what happens | pages, within | tickets, within |
|---|---|---|---|
{incidents}

These incidents do not notify:

| incident | what happens |
|---|---|
{silent}

## Releases

A canary gets a tenth of the requests for five minutes. These releases are rolled back, and do not notify:

| release | what happens | alarm, within |
|---|---|---|
{bad}

These are not rolled back:

| release | what happens |
|---|---|
{good}

## What the alarms cannot see

A canary below the thresholds of *CanaryFailures* and *CanaryLatency* is not rolled back. Both require at least two failed or
slow requests per minute. If the service gets fewer than 20 requests per minute, a canary gets fewer than two on average. With
40, it gets two or more in nine of ten minutes. The bad releases below reach everyone. They fire the
alarms above if they then miss an objective:

| release | what happens |
|---|---|
{unseen}

- *FailuresPage* needs at least 5 failures in five minutes and 20 in an hour, or 10 in half an hour and 100 in six hours. Fewer
  than 20 in three days do not fire *FailureBudget* either.
- Fewer than 500 rejected requests in five minutes fire nothing: an app that sends an expired token every second causes 300.
- While Apple is down, both versions fail, so even a good canary is rolled back.

## The dashboard

The stack's output `Dashboard` is the dashboard's name. The first row has the state of every page, ticket and rollback alarm.

| section | widgets |
|---|---|
{dashboard}

## Saved queries

In Logs Insights, in a folder with the stack's name:

{queries}

## Metrics and their cost

A stage with every feature has {custom} custom metrics at most and {measured} metrics in {count} alarms. CloudWatch bills a custom metric only for the
hours in which it is sent. [cost.md](cost.md#fixed-monthly-cost) has the monthly costs.
"""


def monitoring_page(service: Resources) -> str:
    monitoring = Monitoring.of(service)
    playing = [each for each in INCIDENTS if each not in releases.RELEASES]
    return _TEXT.format(
        failed=FAILED_PERCENT,
        slow=f"{SLOW_PERCENT:g}",
        wait=f"{WAIT.to_minutes():g}",
        extension=f"{EXTENSION.to_minutes():g}",
        filters=_lines(
            f"| `{each.value}` | `{pattern.replace('|', chr(92) + '|')}` |"
            for each, pattern in FILTER_PATTERNS.items()
        ),
        pages=_lines(_page_row(service, id_, monitoring.pages[id_.value]) for id_ in PageId),
        alarms=_lines(_alarm_row(service, id_, monitoring.alarms[id_.value]) for id_ in AlarmId),
        incidents=_lines(
            f"| {each.name} | {each.description} | {_times(each.pages)} | {_times(each.tickets)} |"
            for each in playing
            if not each.is_silent
        ),
        silent=_descriptions(each for each in playing if each.is_silent),
        bad=_lines(
            f"| {each.name} | {each.description} | {_times(each.rolls_back)} |"
            for each in releases.BAD
        ),
        good=_descriptions(releases.GOOD),
        unseen=_descriptions(releases.UNSEEN),
        dashboard=_lines(_section_rows(service)),
        queries=_lines(f"- {each.name}" for each in (*RATINGS_QUERIES, *ACCESS_QUERIES)),
        custom=costs.custom_metrics(service),
        measured=sum(len(each.queries) for each in monitoring.alarms.values()),
        count=len(monitoring.alarms),
    )


def _lines(rows: Iterable[str]) -> str:
    return "\n".join(rows)


def _descriptions(incidents: Iterable[Incident]) -> str:
    return _lines(f"| {each.name} | {each.description} |" for each in incidents)


def _section_rows(service: Resources) -> Iterator[str]:
    sections: list[tuple[str, list[str]]] = []
    for widget in widgets(service)[1:]:
        if "markdown" in widget:
            sections.append((widget["markdown"].removeprefix("## "), []))
        else:
            sections[-1][1].append(widget["title"])
    for section, titles in sections:
        yield f"| {section} | {' · '.join(titles)} |"


def _link(service: Resources, type_: str, name: str) -> str:
    description: str = properties_by_name(service, type_)[name]["AlarmDescription"]
    return f"[{name}](runbook.md#{description.rpartition('#')[2]})"


def _page_row(service: Resources, id_: PageId, page: Page) -> str:
    link = _link(service, "AWS::CloudWatch::CompositeAlarm", id_.value)
    return f"| {link} | {page.condition} | {page.suppressor or ''} |"


def _alarm_row(service: Resources, id_: AlarmId, alarm: Alarm) -> str:
    measured = ", ".join(
        f"`{query.source.name}` {query.statistic}" for query in alarm.queries.values()
    )
    terms = f"{_SYMBOLS[alarm.comparison]} {alarm.threshold:g}"
    if alarm.expression not in alarm.queries:
        terms = f"`{alarm.expression}` {terms}"
    kind = "page" if id_ in PARTS else "rollback" if id_ in CANARY else "ticket"
    within = f"{alarm.datapoints} of {alarm.periods} × {_time(alarm.period)}"
    link = _link(service, "AWS::CloudWatch::Alarm", id_.value)
    return f"| {link} | {kind} | {measured} | {terms} | {within} |"


def _times(minutes: Mapping[AlarmId, float] | Mapping[PageId, float]) -> str:
    return ", ".join(f"{id_.value} {_time(each)}" for id_, each in minutes.items())


def _time(minutes: float) -> str:
    for unit, length in (("day", 24 * 60), ("h", 60)):
        if minutes >= 2 * length or minutes == length:
            count = f"{minutes / length:.2g}"
            return f"{count} {unit}" if unit == "h" or count == "1" else f"{count} {unit}s"
    return f"{minutes:g} min"


if __name__ == "__main__":
    stages = {name: Resources.of_stage(settings) for name, settings in STAGES.items()}
    PAGE.write_text(monitoring_page(Resources.of_stage(FULL)), "utf-8")
    costs.PAGE.write_text(costs.cost_page(stages, costs.PAGE.read_text("utf-8")), "utf-8")
