"""The fixed monthly costs of a template, for docs/cost.md and docs/monitoring.md.

List prices of us-east-1; docs/cost.md names their pages.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from functions.ratings.metrics import Metric
from functions.sign_in.metrics import Metric as SignInMetric
from tests.infra.observability.cloudwatch import alarms
from tests.infra.resources import REPOSITORY

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from tests.infra.resources import Resources

PAGE: Final = REPOSITORY / "docs" / "cost.md"

# API Gateway sends Count, Latency, IntegrationLatency, 4XXError and 5XXError for each method.
METRICS_PER_METHOD: Final = 5

BEGIN: Final = "<!-- Generated: python -m tests.infra.observability.monitoring_page -->\n"
END: Final = "<!-- End of the generated part. -->\n"


@dataclass(frozen=True, slots=True)
class Cost:
    """A number of billed resources, and the monthly price of each in cents."""

    name: str
    count: int
    cents: int


def custom_metrics(service: Resources) -> int:
    """Return the most that can exist: one per metric name, and one more for a canary's version."""
    handlers = str(service.of_type("AWS::Lambda::Function"))
    sign_in = len(SignInMetric) if "functions.sign_in." in handlers else 0
    return len(Metric) + 1 + 1 + sign_in + len(service.of_type("AWS::Logs::MetricFilter"))


def monthly_costs(service: Resources) -> Iterator[Cost]:
    def count(type_: str) -> int:
        return len(service.of_type(type_))

    yield Cost("secrets", count("AWS::SecretsManager::Secret"), 40)
    yield Cost("custom metrics at most", custom_metrics(service), 30)
    methods = METRICS_PER_METHOD * count("AWS::ApiGateway::Method")
    yield Cost("metrics of the gateway by method", methods, 30)
    yield Cost("metrics in alarms", sum(len(each.queries) for each in alarms(service).values()), 10)
    yield Cost("composite alarms", count("AWS::CloudWatch::CompositeAlarm"), 50)
    yield Cost("dashboards", count("AWS::CloudWatch::Dashboard"), 300)
    acls = service.of_type("AWS::WAFv2::WebACL").values()
    yield Cost("web ACLs", len(acls), 500)
    yield Cost("rules of web ACLs", sum(len(each["Properties"]["Rules"]) for each in acls), 100)


def cost_page(services: Mapping[str, Resources], text: str) -> str:
    """The page with its generated part replaced."""
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    return "".join((before, BEGIN, *(f"{row}\n" for row in _rows(services)), END, after))


def _rows(services: Mapping[str, Resources]) -> Iterator[str]:
    found = {name: list(monthly_costs(service)) for name, service in services.items()}
    yield f"| | {' | '.join(f'{name} | $' for name in found)} |"
    yield "|---|" + "--:|--:|" * len(found)
    for costs in zip(*found.values(), strict=True):
        cells = " | ".join(f"{each.count} | {_dollars(each.count * each.cents)}" for each in costs)
        yield f"| {costs[0].name} | {cells} |"
    totals = [sum(each.count * each.cents for each in costs) for costs in found.values()]
    yield f"| **total** | {' | '.join(f'| **{_dollars(total)}**' for total in totals)} |"


def _dollars(cents: int) -> str:
    return f"{cents / 100:.2f}"
