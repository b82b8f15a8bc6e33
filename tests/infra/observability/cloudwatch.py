"""A simulation of CloudWatch: the alarms of a template, evaluated over recorded metrics.

It follows CloudWatch's user guide for the features that our alarms use, and rejects all others.
What the guide leaves open is tried both ways: the phase of a period in which an incident begins,
and how many older points replace missing ones. Real alarms fire one or two minutes later, because
metrics arrive late.

Source: https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarms-and-missing-data.html
"""

from __future__ import annotations

import math
import operator
import re
from bisect import bisect_left
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import TYPE_CHECKING, Any, Final, NamedTuple

if TYPE_CHECKING:
    from tests.infra.resources import Resources

TICK_SECONDS: Final = 30
"""The resolution: half of the shortest period of an alarm."""

EXTRA_POINTS: Final = (0, 2)
"""How many more points CloudWatch retrieves than it evaluates; the guide's example has 2."""

_MAX_PHASES: Final = 30

Value = float | None


class Source(NamedTuple):
    """A metric and its sender: a function's package, the API, or the access log."""

    namespace: str
    name: str
    sender: str


@dataclass(frozen=True, slots=True, order=True)
class Samples:
    value: float
    count: float = 1


Recording = Mapping[Source, Mapping[int, Sequence[Samples]]]


class Query(NamedTuple):
    source: Source
    statistic: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Alarm:
    name: str
    queries: Mapping[str, Query]
    expression: str
    period_seconds: int
    comparison: str
    threshold: float
    periods: int
    datapoints: int
    missing: str

    @property
    def period_ticks(self) -> int:
        return self.period_seconds // TICK_SECONDS

    def is_breaching(self, value: float) -> bool:
        return _COMPARISONS[self.comparison](value, self.threshold)

    def fires(self, points: Sequence[Value]) -> bool:
        real = [point for point in points if point is not None][-self.periods :]
        # With "ignore" and more than one period, another rule applies to some missing points.
        assert self.missing == "notBreaching" or (self.missing == "ignore" and self.periods == 1)
        return sum(self.is_breaching(point) for point in real) >= self.datapoints

    def phases(self) -> Sequence[int]:
        step = max(1, self.period_ticks // _MAX_PHASES)
        return sorted({*range(0, self.period_ticks, step), self.period_ticks - 1})

    def first_fires(self, recording: Recording, *, ticks: int, phase: int) -> set[int | None]:
        """The first tick in ALARM, for each possible number of extra points."""
        if not any(query.source in recording for query in self.queries.values()):
            return {None}
        ends = range(phase + self.period_ticks, ticks, self.period_ticks)
        points = [self._point(recording, end) for end in ends]
        return {self._first(points, ends, extra) for extra in EXTRA_POINTS}

    def _first(self, points: Sequence[Value], ends: Sequence[int], extra: int) -> int | None:
        for last, end in enumerate(ends, 1):
            if self.fires(points[max(0, last - self.periods - extra) : last]):
                return end
        return None

    def _point(self, recording: Recording, end: int) -> Value:
        ticks = range(end - self.period_ticks, end)
        values: dict[str, Value] = {}
        for id_, query in self.queries.items():
            sent = recording.get(query.source, {})
            samples = [each for tick in ticks for each in sent.get(tick, ()) if each.count]
            values[id_] = _statistic(query.statistic, samples) if samples else None
        return _evaluate(self.expression, values)


def alarms(service: Resources) -> dict[str, Alarm]:
    return {
        name: _alarm(service, name, properties)
        for name, properties in alarm_properties(service).items()
    }


def alarm_properties(service: Resources) -> dict[str, dict[str, Any]]:
    named = (
        (re.fullmatch(r"Monitoring(\w+)[0-9A-F]{8}", id_), resource["Properties"])
        for id_, resource in service.of_type("AWS::CloudWatch::Alarm").items()
    )
    return {name[1]: properties for name, properties in named if name}


def _alarm(service: Resources, name: str, properties: Mapping[str, Any]) -> Alarm:
    metrics = properties.get("Metrics", ())
    stats = {each["Id"]: each["MetricStat"] for each in metrics if "MetricStat" in each} or {
        "metric": {"Metric": properties, "Stat": properties.get("Statistic"), **properties}
    }
    (expression,) = [each["Expression"] for each in metrics if each["ReturnData"]] or stats
    (period,) = {stat["Period"] for stat in stats.values()}
    return Alarm(
        name=name,
        queries={
            id_: Query(_source(service, stat["Metric"]), stat["Stat"])
            for id_, stat in stats.items()
        },
        expression=expression,
        period_seconds=period,
        comparison=properties["ComparisonOperator"],
        threshold=properties["Threshold"],
        periods=properties["EvaluationPeriods"],
        datapoints=properties["DatapointsToAlarm"],
        missing=properties["TreatMissingData"],
    )


def _source(service: Resources, metric: Mapping[str, Any]) -> Source:
    dimensions = {each["Name"]: each["Value"] for each in metric.get("Dimensions", ())}
    return source(service, metric["Namespace"], metric["MetricName"], dimensions)


def source(service: Resources, namespace: Any, name: str, dimensions: Mapping[str, Any]) -> Source:
    """The metric with these dimensions, which must be exactly those of one sender."""
    stage = service.properties("AWS::ApiGateway::Stage")["StageName"]
    api = service.properties("AWS::ApiGateway::RestApi")["Name"]
    senders = {
        "api": {"ApiName": api, "Stage": stage},
        "access log": {},
    }
    for package in ("ratings", "token_rotation"):
        function = {"Ref": service.function(package)[0]}
        senders[package] = {"service": "apple-music-ratings", "function_name": function}
        senders[f"Lambda's {package}"] = {"FunctionName": function}
    ((sender, _),) = (each for each in senders.items() if each[1] == dict(dimensions))
    if isinstance(namespace, Mapping):
        assert namespace == {"Fn::Join": ["", ["AppleMusicRatings/", {"Ref": "AWS::StackName"}]]}
        namespace = "AppleMusicRatings/<stack>"
    return Source(namespace, name, sender)


def _statistic(name: str, samples: Sequence[Samples]) -> float:
    if name == "Sum":
        return sum(each.value * each.count for each in samples)
    if name == "Minimum":
        return min(each.value for each in samples)
    ordered = sorted(samples)
    counts = list(accumulate(each.count for each in ordered))
    rank = int(name.removeprefix("p"))
    return ordered[bisect_left(counts, math.ceil(counts[-1] * rank / 100))].value


_COMPARISONS: Final[Mapping[str, Callable[[float, float], bool]]] = {
    "GreaterThanOrEqualToThreshold": operator.ge,
    "LessThanThreshold": operator.lt,
}


def _evaluate(expression: str, values: Mapping[str, Value]) -> Value:
    """Metric math in Python's syntax; a missing operand gives no value."""
    functions = {"IF": lambda condition, then, otherwise: then if condition else otherwise}
    try:
        value: Value = eval(expression, {"__builtins__": {}, **functions}, dict(values))  # noqa: S307 - our own
    except TypeError:  # an operand is None
        return None
    return value
