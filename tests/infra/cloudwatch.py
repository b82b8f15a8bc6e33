"""CloudWatch's alarms on this machine: a template's own alarms over made-up metrics.

As CloudWatch's user guide has it, for what our alarms use; anything else is refused, so that a new
kind of alarm comes to be understood here first. What CloudWatch leaves open is tried both ways:
where within a period an incident begins, and how far back it looks for data in place of what is
missing. A period is judged when it is over, so that no alarm here is earlier than a real one; the
minute or two that metrics take to arrive come on top.

Source: https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarms-and-missing-data.html
"""

from __future__ import annotations

import ast
import math
import operator
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from tests.infra.resources import Resources

TICK_SECONDS: Final = 30
"""The finest time there is: half of the shortest period of an alarm."""

EXTRA_POINTS: Final = (0, 2)
"""How many periods more than it evaluates CloudWatch may look at; its guide's example has 2."""

_MOST_PHASES: Final = 30

Value = float | None


@dataclass(frozen=True, slots=True)
class Source:
    """One metric, by what sends it: a function's package, the api, or the access log."""

    namespace: str
    name: str
    sender: str


@dataclass(frozen=True, slots=True)
class Samples:
    """So many samples of one value."""

    value: float
    count: float = 1


Recording = Mapping[Source, Mapping[int, Sequence[Samples]]]
"""What was sent in which tick."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
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

    def rings(self, points: Sequence[Value], *, ringing: bool) -> bool:
        """Say whether it rings, after the points that were looked at, the newest last."""
        real = [point for point in points if point is not None][-self.periods :]
        if self.missing == "ignore":
            # What CloudWatch makes of some missing is another rule; with one period there is none.
            assert self.periods == 1
            return self.is_breaching(real[0]) if real else ringing
        assert self.missing == "notBreaching"
        return sum(self.is_breaching(point) for point in real) >= self.datapoints

    def phases(self) -> Sequence[int]:
        """Where its periods may begin: each tick of a short one, some of a day's."""
        step = max(1, self.period_ticks // _MOST_PHASES)
        return sorted({*range(0, self.period_ticks, step), self.period_ticks - 1})

    def first_rings(self, recording: Recording, *, ticks: int, phase: int) -> set[int | None]:
        """The ticks at whose start it begins to ring, as far back as CloudWatch may look."""
        if not any(query.source in recording for query in self.queries.values()):
            return {None}
        expression = ast.parse(self.expression, mode="eval").body
        ends = range(phase + self.period_ticks, ticks, self.period_ticks)
        points = [self._point(recording, expression, end) for end in ends]
        return {self._first_ring(points, ends, extra) for extra in EXTRA_POINTS}

    def _first_ring(self, points: Sequence[Value], ends: Sequence[int], extra: int) -> int | None:
        ringing = False
        for index, end in enumerate(ends):
            seen = points[max(0, index + 1 - self.periods - extra) : index + 1]
            ringing = self.rings(seen, ringing=ringing)
            if ringing:
                return end
        return None

    def _point(self, recording: Recording, expression: ast.expr, end: int) -> Value:
        ticks = range(end - self.period_ticks, end)
        values: dict[str, Value] = {}
        for id_, query in self.queries.items():
            sent = recording.get(query.source, {})
            samples = [each for tick in ticks for each in sent.get(tick, ()) if each.count]
            values[id_] = _statistic(query.statistic, samples) if samples else None
        return _evaluate(expression, values)


def alarms(service: Resources) -> dict[str, Alarm]:
    """The alarms of the template's Monitoring by their constructs' ids."""
    named = (
        (re.fullmatch(r"Monitoring(\w+)[0-9A-F]{8}", id_), resource["Properties"])
        for id_, resource in service.of_type("AWS::CloudWatch::Alarm").items()
    )
    return {name[1]: _alarm(service, name[1], properties) for name, properties in named if name}


def _alarm(service: Resources, name: str, properties: Mapping[str, Any]) -> Alarm:
    queries, expression, period = _queries(service, properties)
    return Alarm(
        name=name,
        queries=queries,
        expression=expression,
        period_seconds=period,
        comparison=properties["ComparisonOperator"],
        threshold=properties["Threshold"],
        periods=properties["EvaluationPeriods"],
        datapoints=properties["DatapointsToAlarm"],
        missing=properties["TreatMissingData"],
    )


def _queries(
    service: Resources, properties: Mapping[str, Any]
) -> tuple[dict[str, Query], str, int]:
    if "Metrics" not in properties:
        query = Query(source=_source(service, properties), statistic=properties["Statistic"])
        return {"metric": query}, "metric", properties["Period"]
    (expression,) = (each["Expression"] for each in properties["Metrics"] if each["ReturnData"])
    stats = {
        each["Id"]: each["MetricStat"] for each in properties["Metrics"] if "MetricStat" in each
    }
    (period,) = {stat["Period"] for stat in stats.values()}
    queries = {
        id_: Query(source=_source(service, stat["Metric"]), statistic=stat["Stat"])
        for id_, stat in stats.items()
    }
    return queries, expression, period


def _source(service: Resources, metric: Mapping[str, Any]) -> Source:
    return source(
        service,
        metric["Namespace"],
        metric["MetricName"],
        {each["Name"]: each["Value"] for each in metric.get("Dimensions", ())},
    )


def source(service: Resources, namespace: Any, name: str, dimensions: Mapping[str, Any]) -> Source:
    """The metric of those dimensions, which have to be exactly those that its sender sends."""
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
    rank = re.fullmatch(r"p(\d+)", name)
    assert rank is not None
    return _percentile(int(rank[1]), samples)


def _percentile(rank: int, samples: Sequence[Samples]) -> float:
    wanted: float = math.ceil(sum(each.count for each in samples) * rank / 100)
    for each in sorted(samples, key=lambda each: each.value):
        wanted -= each.count
        if wanted <= 0:
            return each.value
    raise AssertionError(samples)


_COMPARISONS: Final[Mapping[str, Callable[[float, float], bool]]] = {
    "GreaterThanOrEqualToThreshold": operator.ge,
    "LessThanThreshold": operator.lt,
}
_ARITHMETIC: Final[Mapping[type[ast.operator], Callable[[float, float], float]]] = {
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
}


def _evaluate(node: ast.expr, values: Mapping[str, Value]) -> Value:
    """Metric math as far as our alarms go; what lacks a part lacks a value."""
    match node:
        case ast.Constant(value=int(number)):
            return number
        case ast.Name(id=id_):
            return values[id_]
        case ast.BinOp(left=left, op=op, right=right):
            parts = _evaluate(left, values), _evaluate(right, values)
            return None if None in parts else _ARITHMETIC[type(op)](*parts)  # type: ignore[arg-type] # None is ruled out
        case ast.Compare(left=left, ops=[ast.GtE()], comparators=[right]):
            parts = _evaluate(left, values), _evaluate(right, values)
            return None if None in parts else float(parts[0] >= parts[1])  # type: ignore[operator] # likewise
        case ast.Call(func=ast.Name(id="IF"), args=[condition, then, otherwise]):
            is_true = _evaluate(condition, values)
            return None if is_true is None else _evaluate(then if is_true else otherwise, values)
    raise AssertionError(ast.unparse(node))
