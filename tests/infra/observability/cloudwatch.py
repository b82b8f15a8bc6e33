"""A simulation of CloudWatch's metric alarms, evaluated over recorded metrics.

It follows CloudWatch's user guide for the features that our alarms use, and rejects all others.
Alarms are evaluated every minute over a sliding window; hourly if it is longer than one day.
It is not documented how many older points replace missing points: each of `EXTRA_POINTS` is tried.
Real alarms fire one or two minutes later, because metrics arrive late.

Sources: https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarms-and-missing-data.html,
alarm-evaluation-window.html and Statistics-definitions.html
"""

from __future__ import annotations

import math
import operator
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from functools import cache
from typing import TYPE_CHECKING, Any, Final, NamedTuple

if TYPE_CHECKING:
    from tests.infra.resources import Resources

EXTRA_POINTS: Final = (0, 2)
"""How many more points CloudWatch retrieves than it evaluates; the guide's example has 2."""

DAY_MINUTES: Final = 24 * 60

Value = float | None


class State(Enum):
    OK = "OK"
    ALARM = "ALARM"
    INSUFFICIENT_DATA = "INSUFFICIENT_DATA"


class Source(NamedTuple):
    """A metric and its sender: a function, its new version, the API or the access log."""

    namespace: str
    name: str
    sender: str


@dataclass(frozen=True, slots=True)
class Samples:
    value: float
    count: float = 1


class Stretch(NamedTuple):
    """Samples that repeat each minute from `start` to `end`; only once if `start == end`."""

    start: float
    end: float
    samples: Sequence[Samples]


Recording = Mapping[Source, Sequence[Stretch]]


class Query(NamedTuple):
    source: Source
    statistic: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Alarm:
    queries: Mapping[str, Query]
    expression: str
    period: int
    comparison: str
    threshold: float
    periods: int
    datapoints: int
    missing: str

    @property
    def is_hourly(self) -> bool:
        return self.period * self.periods > DAY_MINUTES

    def states(self, recording: Recording, instants: Sequence[int]) -> Sequence[Sequence[State]]:
        """Return the states after each instant, for each of `EXTRA_POINTS`.

        The first state is the state before the incident.
        """
        found = [recording.get(query.source, ()) for query in self.queries.values()]
        if all(not each or each[0][:2] == (-math.inf, math.inf) for each in found):
            instants, length = instants[:1], len(instants)
        else:
            length = 1
        values: dict[int, Value] = {}

        def value(end: int) -> Value:
            if end not in values:
                values[end] = self._value(recording, end)
            return values[end]

        return [list(self._states(value, instants, extra)) * length for extra in EXTRA_POINTS]

    def _states(
        self, value: Callable[[int], Value], instants: Sequence[int], extra: int
    ) -> Iterator[State]:
        state = State.INSUFFICIENT_DATA
        ages = range(self.period * (self.periods + extra - 1), -1, -self.period)
        for instant in instants:
            if not self.is_hourly or instant % 60 == 0 or instant == instants[0]:
                state = self._evaluate([value(instant - age) for age in ages], state)
            yield state

    def _evaluate(self, points: Sequence[Value], state: State) -> State:
        assert self.missing in {"notBreaching", "ignore", "missing"}
        real = [point for point in points if point is not None][-self.periods :]
        if not real and self.missing != "notBreaching":
            return state if self.missing == "ignore" else State.INSUFFICIENT_DATA
        # If fewer datapoints than periods must breach, other rules apply to some missing points.
        assert self.missing == "notBreaching" or self.periods == self.datapoints
        breaching = sum(_COMPARISONS[self.comparison](point, self.threshold) for point in real)
        return State.ALARM if breaching >= self.datapoints else State.OK

    def _value(self, recording: Recording, end: int) -> Value:
        values = []
        for id_, query in self.queries.items():
            samples = _within(recording.get(query.source, ()), end - self.period, end)
            values.append((id_, _statistic(query.statistic, samples) if samples else None))
        return _calculate(self.expression, tuple(values))


def alarms(service: Resources) -> dict[str, Alarm]:
    return {
        name: _alarm(service, properties)
        for name, properties in properties_by_name(service, "AWS::CloudWatch::Alarm").items()
    }


def properties_by_name(service: Resources, type_: str) -> dict[str, dict[str, Any]]:
    return {
        construct_id(id_): resource["Properties"]
        for id_, resource in service.of_type(type_).items()
    }


def construct_id(logical_id: str) -> str:
    match = re.fullmatch(r"Monitoring(\w+)[0-9A-F]{8}", logical_id)
    assert match is not None, logical_id
    return match[1]


def _alarm(service: Resources, properties: Mapping[str, Any]) -> Alarm:
    metrics = properties.get("Metrics", ())
    stats = {each["Id"]: each["MetricStat"] for each in metrics if "MetricStat" in each} or {
        "metric": {"Metric": properties, "Stat": properties.get("Statistic"), **properties}
    }
    (expression,) = [each["Expression"] for each in metrics if each["ReturnData"]] or stats
    (period,) = {stat["Period"] for stat in stats.values()}
    return Alarm(
        queries={
            id_: Query(_source(service, stat["Metric"]), stat["Stat"])
            for id_, stat in stats.items()
        },
        expression=expression,
        period=period // 60,
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
    """Return the metric with these dimensions; exactly one sender must use these dimensions."""
    stage = service.properties("AWS::ApiGateway::Stage")["StageName"]
    api = service.properties("AWS::ApiGateway::RestApi")["Name"]
    senders = {
        "api": {"ApiName": api, "Stage": stage},
        "access log": {},
    }
    for id_, each in service.of_type("AWS::Lambda::Function").items():
        package, function = each["Properties"]["Handler"].split(".")[1], {"Ref": id_}
        senders[package] = {"service": "apple-music-ratings", "function_name": function}
        senders[f"Lambda's {package}"] = {"FunctionName": function}
    number = {"Fn::GetAtt": [service.only("AWS::Lambda::Version")[0], "Version"]}
    function = {"Ref": service.function("ratings")[0]}
    senders["version"] = {**senders["ratings"], "function_version": number}
    senders["Lambda's version"] = {
        "FunctionName": function,
        "Resource": {"Fn::Join": ["", [function, ":live"]]},
        "ExecutedVersion": number,
    }
    ((sender, _),) = (each for each in senders.items() if each[1] == dict(dimensions))
    if isinstance(namespace, Mapping):
        assert namespace == {"Fn::Join": ["", ["AppleMusicRatings/", {"Ref": "AWS::StackName"}]]}
        namespace = "AppleMusicRatings/<stack>"
    return Source(namespace, name, sender)


def _within(stretches: Sequence[Stretch], start: int, end: int) -> list[Samples]:
    return [
        Samples(each.value, each.count * minutes)
        for stretch in stretches
        if (minutes := _overlap(stretch, start, end)) > 0
        for each in stretch.samples
        if each.count
    ]


def _overlap(stretch: Stretch, start: int, end: int) -> float:
    if stretch.start == stretch.end:
        return start < stretch.start <= end
    return min(end, stretch.end) - max(start, stretch.start)


def _statistic(name: str, samples: Sequence[Samples]) -> float:
    count = sum(each.count for each in samples)
    if name == "SampleCount":
        return count
    if name == "Sum":
        return sum(each.value * each.count for each in samples)
    if name == "Minimum":
        return min(each.value for each in samples)
    rank = re.fullmatch(r"PR\(:(\d+)\)", name)
    assert rank is not None, name
    return 100 * sum(each.count for each in samples if each.value <= int(rank[1])) / count


_COMPARISONS: Final[Mapping[str, Callable[[float, float], bool]]] = {
    "GreaterThanOrEqualToThreshold": operator.ge,
    "LessThanThreshold": operator.lt,
}

_FUNCTIONS: Final = {
    "IF": lambda condition, then, otherwise: then if condition else otherwise,
    "FILL": lambda value, otherwise: otherwise if value is None else value,
}


@cache
def _calculate(expression: str, values: tuple[tuple[str, Value], ...]) -> Value:
    """Evaluate metric math in Python's syntax; return None if an operand is missing."""
    try:
        value: Value = eval(expression, {"__builtins__": {}, **_FUNCTIONS}, dict(values))  # noqa: S307 - our own
    except TypeError:  # an operand is None
        return None
    return value
