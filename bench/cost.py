"""Writes docs/cost.md: what a million requests cost, by part, and what a flood of them meets.

    python -m bench.cost

Durations and sizes of logs are those of `bench/results.json`, prices those of `prices.toml`.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from bench import results
from bench.contestants import PROJECT
from bench.prices import Price, read_prices
from bench.report import piped
from functions.ratings.cache_items import rating_item
from functions.ratings.cache_policy import CachedRating
from functions.ratings.metrics import Metric
from functions.ratings.models import MusicUserToken, Rating, RatingKey

PAGE: Final = Path(__file__).resolve().parent.parent / "docs" / "cost.md"

MEMORY_MB: Final = 512
"""What every stage's function has; a test compares."""

ALARM_METRICS: Final = 23
"""How many metrics the alarms of `prod` look at, the most of all stages; a test compares."""

HIT_RATES: Final = (0.5, 0.8, 0.95)

MEMORY_OF_A_CPU_MB: Final = 1_769
"""At which a function has one processor's time; below, in proportion.

Source: https://docs.aws.amazon.com/lambda/latest/dg/configuration-memory.html
"""

_MEMORIES: Final = (128, 256, 512, 1_024, 1_769)

DYNAMODB_MS: Final = 4.0
"""What a call to DynamoDB is taken to last from a function in its region."""

APPLE_MS: Final = 150.0
"""What a call to Apple is taken to last."""

COLD_SHARE: Final = 0.002
"""How many requests are taken to start an environment; Lambda has billed its init since 2025-08."""

_GATEWAY_RESPONSE_BYTES: Final = 900
"""A rating's body with its headers and those of the gateway."""

_EVENT_OVERHEAD_BYTES: Final = 26
"""What CloudWatch Logs counts beside the text of each event."""

_WAF_RULES: Final = 3
_SECRETS: Final = 2
_GATEWAY_METRICS: Final = 2 * 5
"""Of two methods: requests, 4xx, 5xx, latency, the integration's latency."""

_XRAY_SHARE: Final = 0.05
"""Its default sampling, for all but the first request of each second."""

_SECONDS_OF_A_MONTH: Final = 730 * 3_600
_MILLION: Final = 1_000_000
_GIGA: Final = 1e9
_REQUESTS_PER_SECOND: Final = 10_000

ACCESS_LOG_LINE: Final = {
    "requestId": "ZjQ5NGZkMmEtYjQ=",
    "functionRequestId": "8f507c2f-9d0c-4b8c-8f5b-6f2d4b9d7c11",
    "requestTime": "01/Jan/2026:00:00:00 +0000",
    "httpMethod": "GET",
    "resourcePath": "/v1/me/ratings/{type}/{id}",
    "protocol": "HTTP/1.1",
    "status": "200",
    "errorType": "-",
    "integrationStatus": "200",
    "integrationLatency": "14",
    "responseLatency": "17",
    "responseLength": "140",
}
"""A line of the gateway's access log, for its length; a test compares the fields."""

_LAMBDA_LINES: Final = (
    "START RequestId: 8f507c2f-9d0c-4b8c-8f5b-6f2d4b9d7c11 Version: 12\n",
    "END RequestId: 8f507c2f-9d0c-4b8c-8f5b-6f2d4b9d7c11\n",
    (
        "REPORT RequestId: 8f507c2f-9d0c-4b8c-8f5b-6f2d4b9d7c11\tDuration: 8.31 ms\t"
        "Billed Duration: 9 ms\tMemory Size: 512 MB\tMax Memory Used: 98 MB\t\n"
    ),
)

Parts = dict[str, float]
"""Dollars by what they are for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Function:
    """What was measured of the function on one processor of the bench's machine."""

    hit_cpu_ms: float
    miss_cpu_ms: float
    cold_cpu_ms: float
    hit_log_bytes: int
    miss_log_bytes: int
    peak_memory_mb: float

    @classmethod
    def of(cls, found: results.Results) -> Function:
        """Take it out of the results of a run."""
        ours = found["contestants"][PROJECT]
        return cls(
            hit_cpu_ms=ours["hit_cpu_ms"]["median"],
            miss_cpu_ms=ours["miss_cpu_ms"]["median"],
            cold_cpu_ms=ours["cold_cpu_ms"]["median"],
            hit_log_bytes=ours["hit_log_bytes"],
            miss_log_bytes=ours["miss_log_bytes"],
            peak_memory_mb=ours["peak_memory_mb"],
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """What is switched on, and how many requests the cache answers."""

    hit_rate: float
    memory_mb: int = MEMORY_MB
    firewall: bool = False
    tracing: bool = False


def hit_ms(measured: Function, memory_mb: int) -> float:
    """Estimate how long Lambda runs for a hit."""
    return _on_lambda(measured.hit_cpu_ms, memory_mb) + DYNAMODB_MS


def miss_ms(measured: Function, memory_mb: int) -> float:
    """Estimate how long Lambda runs for a miss: two calls to DynamoDB, one to Apple."""
    return _on_lambda(measured.miss_cpu_ms, memory_mb) + 2 * DYNAMODB_MS + APPLE_MS


def mean_ms(measured: Function, setting: Setting) -> float:
    """Estimate how long Lambda runs for a request, its starts included."""
    hit, miss = hit_ms(measured, setting.memory_mb), miss_ms(measured, setting.memory_mb)
    cold = _on_lambda(measured.cold_cpu_ms, setting.memory_mb)
    return setting.hit_rate * hit + (1 - setting.hit_rate) * miss + COLD_SHARE * cold


def _on_lambda(cpu_ms: float, memory_mb: int) -> float:
    return cpu_ms * max(1.0, MEMORY_OF_A_CPU_MB / memory_mb)


def write_units() -> int:
    """Count what DynamoDB writes for one rating: a unit for each kB that is begun."""
    key = RatingKey(type="library-songs", id="i.7PJNN4mfXlD68R")
    resource = {
        "id": key.id,
        "type": "ratings",
        "href": f"/v1/me/ratings/{key.type}/{key.id}",
        "attributes": {"value": 1},
    }
    cached = CachedRating(
        rating=Rating(json.dumps(resource)), requested_at=1_767_225_600.123456, generation=None
    )
    owner = MusicUserToken("sample-user-token").owner
    item = rating_item(owner, key, cached, expires_at=1_767_229_260)
    # Numbers and nulls take less than their text.
    size = sum(
        len(name) + len(str(text)) for name, value in item.items() for text in value.values()
    )
    return math.ceil(size / 1_024)


def by_request(
    measured: Function, setting: Setting, prices: Mapping[str, Price], requests: float
) -> Parts:
    """Give what so many requests in a month cost, by part."""
    misses = requests * (1 - setting.hit_rate)
    seconds = requests * mean_ms(measured, setting) / 1_000
    log_bytes = requests * (
        setting.hit_rate * measured.hit_log_bytes
        + (1 - setting.hit_rate) * measured.miss_log_bytes
        + _EVENT_OVERHEAD_BYTES
    )
    access_log_line = json.dumps(ACCESS_LOG_LINE)
    platform_bytes = requests * (
        sum(len(line) + _EVENT_OVERHEAD_BYTES for line in _LAMBDA_LINES)
        + len(access_log_line)
        + _EVENT_OVERHEAD_BYTES
    )
    all_logs = prices["logs_gb"].of((log_bytes + platform_bytes) / _GIGA)
    ours = log_bytes / (log_bytes + platform_bytes)
    return {
        "API Gateway": prices["api_gateway_million"].of_millions(requests),
        "Lambda, requests": prices["lambda_million"].of_millions(requests),
        "Lambda, time": prices["lambda_gb_second"].of(seconds * setting.memory_mb / 1_024),
        "DynamoDB, reads": prices["dynamodb_million_reads"].of_millions(2 * requests),
        "DynamoDB, writes": prices["dynamodb_million_writes"].of_millions(misses * write_units()),
        "logs, the function's line": all_logs * ours,
        "logs, Lambda's and the gateway's": all_logs * (1 - ours),
        "data out": prices["transfer_gb"].of(requests * _GATEWAY_RESPONSE_BYTES / _GIGA),
        "WAF": prices["waf_million"].of_millions(requests) if setting.firewall else 0.0,
        "X-Ray": prices["xray_million"].of_millions(requests * _XRAY_SHARE)
        if setting.tracing
        else 0.0,
    }


def by_month(setting: Setting, prices: Mapping[str, Price]) -> Parts:
    """Give what a stage costs each month without any request, at the most."""
    waf = prices["waf_acl_month"].first + _WAF_RULES * prices["waf_rule_month"].first
    return {
        "secrets": _SECRETS * prices["secret_month"].first,
        f"custom metrics, {len(Metric)} at the most": len(Metric) * prices["metric_month"].first,
        "the gateway's metrics by method": _GATEWAY_METRICS * prices["metric_month"].first,
        "alarms, by the metrics that they look at": ALARM_METRICS * prices["alarm_month"].first,
        "a dashboard": prices["dashboard_month"].first,
        "WAF, a web ACL and three rules": waf if setting.firewall else 0.0,
    }


def page(found: results.Results) -> str:
    """Write the page."""
    measured, prices = Function.of(found), read_prices()
    return _PAGE.format(
        python=found["run"]["python"],
        machine=found["run"]["machine"],
        date=found["run"]["date"],
        hit_cpu=f"{measured.hit_cpu_ms:.2f}",
        miss_cpu=f"{measured.miss_cpu_ms:.2f}",
        cold_cpu=f"{measured.cold_cpu_ms:.0f}",
        dynamodb=f"{DYNAMODB_MS:g}",
        apple=f"{APPLE_MS:g}",
        cold_share=f"{COLD_SHARE * 100:g} %",
        memory=MEMORY_MB,
        hit_bytes=measured.hit_log_bytes,
        miss_bytes=measured.miss_log_bytes,
        by_request=piped(_request_rows(measured, prices)),
        by_month=piped(_month_rows(prices)),
        by_memory=piped(_memory_rows(measured, prices)),
        peak_memory=f"{measured.peak_memory_mb:.0f}",
        at_scale=piped(_scale_rows(measured, prices)),
        provisioned=_provisioned(prices),
        concurrency_outage=f"{_REQUESTS_PER_SECOND * 0.2 * 6:,.0f}",
        prices=piped(_price_rows(prices)),
    )


def _settings() -> Iterator[tuple[str, Setting]]:
    for rate in HIT_RATES:
        yield f"{rate * 100:g} % hits", Setting(hit_rate=rate)
    for rate in HIT_RATES:
        everything = Setting(hit_rate=rate, memory_mb=512, firewall=True, tracing=True)
        yield f"{rate * 100:g} % hits, 512 MB, everything on", everything


def _request_rows(measured: Function, prices: Mapping[str, Price]) -> list[Sequence[str]]:
    columns = {
        name: by_request(measured, setting, prices, _MILLION) for name, setting in _settings()
    }
    return _dollars("a million requests", columns)


def _month_rows(prices: Mapping[str, Price]) -> list[Sequence[str]]:
    plain = Setting(hit_rate=0.8)
    columns = {
        "as the stages are": by_month(plain, prices),
        "everything on": by_month(replace(plain, firewall=True), prices),
    }
    return _dollars("a month", columns)


def _memory_rows(measured: Function, prices: Mapping[str, Price]) -> list[Sequence[str]]:
    rows: list[Sequence[str]] = [
        (
            "MB",
            "a hit, ms",
            "a start with its first hit: CPU, ms",
            *(f"Lambda's time at {rate * 100:g} % hits, $" for rate in HIT_RATES),
        )
    ]
    for memory in _MEMORIES:
        costs = (
            by_request(measured, Setting(hit_rate=rate, memory_mb=memory), prices, _MILLION)
            for rate in HIT_RATES
        )
        rows.append(
            (
                f"{memory:,}",
                f"{hit_ms(measured, memory):.1f}",
                f"{_on_lambda(measured.cold_cpu_ms, memory):,.0f}",
                *(f"{cost['Lambda, time']:.3f}" for cost in costs),
            )
        )
    return rows


def _scale_rows(measured: Function, prices: Mapping[str, Price]) -> list[Sequence[str]]:
    rows: list[Sequence[str]] = [
        ("at 10,000 a second", *(f"{rate * 100:g} % hits" for rate in HIT_RATES))
    ]
    settings = [Setting(hit_rate=rate) for rate in HIT_RATES]
    rate = _REQUESTS_PER_SECOND
    month = rate * _SECONDS_OF_A_MONTH
    misses = [rate * (1 - setting.hit_rate) for setting in settings]
    per_month = [by_request(measured, setting, prices, month) for setting in settings]
    rows += [
        (
            "functions running at once",
            *(f"{rate * mean_ms(measured, s) / 1e3:,.0f}" for s in settings),
        ),
        ("DynamoDB read units a second", *(f"{2 * rate:,}" for _ in settings)),
        ("DynamoDB write units a second", *(f"{each * write_units():,.0f}" for each in misses)),
        ("calls to Apple a second", *(f"{each:,.0f}" for each in misses)),
        ("dollars a month, in all", *(f"{sum(cost.values()):,.0f}" for cost in per_month)),
        *(
            (f"of which {part}", *(f"{cost[part]:,.0f}" for cost in per_month))
            for part in per_month[0]
            if any(cost[part] for cost in per_month)
        ),
    ]
    return rows


def _provisioned(prices: Mapping[str, Price]) -> str:
    hours = _SECONDS_OF_A_MONTH / 3_600
    reads = 2 * _REQUESTS_PER_SECOND * hours * prices["dynamodb_read_unit_hour"].first
    return f"{reads:,.0f}"


def _price_rows(prices: Mapping[str, Price]) -> list[Sequence[str]]:
    rows: list[Sequence[str]] = [("price", "$", "AWS's page", "read as text in")]
    for price in prices.values():
        usd = ", then ".join(_number(usd) for _, usd in price.tiers)
        rows.append((price.title, usd, price.page, price.seen))
    return rows


def _number(usd: float) -> str:
    return f"{usd:.10f}".rstrip("0").rstrip(".")


def _dollars(heading: str, columns: Mapping[str, Parts]) -> list[Sequence[str]]:
    rows: list[Sequence[str]] = [(f"$ for {heading}", *columns)]
    parts = next(iter(columns.values()))
    rows += [
        (part, *(f"{column[part]:.3f}" for column in columns.values()))
        for part in parts
        if any(column[part] for column in columns.values())
    ]
    totals = (f"**{sum(column.values()):.2f}**" for column in columns.values())
    return [*rows, ("**in all**", *totals)]


def write_page(found: results.Results | None = None) -> None:
    """Write the page from the results of a run; without any, from those of the last one."""
    PAGE.write_text(page(found or results.read()), "utf-8")


_PAGE: Final = """\
# Cost

<!-- written by python -m bench.cost: change that, bench/prices.toml, or run make bench -->

List prices of us-east-1, without free tiers, discounts and taxes. What the function takes is measured by `make bench`
(Python {python} on {machine}, {date}): {hit_cpu} ms of CPU for a hit, {miss_cpu} ms for a miss, {cold_cpu} ms for a start
with its first hit. The rest are estimates:

- On Lambda, CPU takes 1,769 MB ÷ memory times as long, as documented; an arm64 core there is taken for one here, x86.
- A call to DynamoDB takes {dynamodb} ms, one to Apple {apple} ms; {cold_share} of requests start an environment.
- A hit reads two units (the rating and its family's generation, consistently, each under 4 kB); a miss writes one more,
  for an item is under 1 kB. Requests for many cost as many reads, in units, as they name ids, and one request.
- The function's line is {hit_bytes} bytes for a hit and {miss_bytes} for a miss; Lambda's own three lines and the gateway's
  one are counted by an example of each, every event with 26 bytes more.

## A million requests

`everything on` adds WAF with three rules, and X-Ray at its default sampling of 5 % (of every request it would be $5.00).

{by_request}

API Gateway's fee is most of it, and no lever in the code moves that. Lambda's and the gateway's own log lines cost more
than the function's. With `JSON` as log format and `WARN` as system log level Lambda would leave its three out, and with
them what each request took of time and memory.

An HTTP API would take $1.00, but has neither WAF nor gateway errors of one's own, and decodes paths.

## A month without a request

{by_month}

CloudWatch charges for a metric by the hours in which it was sent, so a quiet stage pays for fewer. What DynamoDB stores
is gone within days, and is cents.

## Which memory

The function has {memory} MB. It needs {peak_memory} MB, and Lambda's own runtime some 40 more.

{by_memory}

More memory makes a start and a hit shorter, up to one processor's worth. A hit's processor time costs the same with any
memory, for it gets shorter as memory gets dearer; what grows is the price of waiting, above all for Apple. So the
cheapest is the least that is quick enough, and Lambda's time is a small part of the whole. In an environment's init
Lambda gives more processor than the memory's share, so that a start is shorter than this table says, by how much is not
documented.

## Ten thousand requests a second

{at_scale}

What is met, in order:

1. **The stage's own throttle**, 100 a second in `prod` (`infra/settings.py`), on purpose: it bounds all of this.
2. **DynamoDB's start.** A new on-demand table takes 12,000 read units and 4,000 write units a second at once, and from
   then on twice its former peak within 30 minutes; a hit reads two units, so it throttles from 6,000 hits a second.
   What it throttles goes past the cache to Apple. Before a launch, raise the table's warm throughput to 40,000 reads
   and 10,000 writes (paid for once); [AWS on this](https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/warm-throughput-scenarios.html).
3. **Apple.** How often one developer team may ask, Apple does not say; every miss counts. Ask Apple before, and raise
   `fresh_seconds`: nothing else makes misses fewer.
4. **API Gateway, 10,000 a second** with bursts of 5,000, for all APIs of the account and region together (2,500 in some
   regions). Ask for the `Throttle rate` quota, twice what is expected.
5. **Lambda, 1,000 at once** in the account (a new one may have fewer), and ten times as many requests a second, so
   10,000 too. Ask for 3,000 at least. While Apple does not answer, each miss lasts until its deadline of 6 s: with
   80 % hits {concurrency_outage} would run at once, until the breaker of each environment has seen five failures. Starts come at
   1,000 environments every 10 s, which is enough.
6. **DynamoDB's table quota**, 40,000 read and write units a second: half taken by single requests, and a request for
   100 ids takes 101, so 400 of these a second take it all. Ask for 80,000.
7. **One partition**, 3,000 read and 1,000 write units a second. A user is a partition key, so this bounds one user to
   1,500 requests a second, whom the firewall's rule by token stops long before.

Secrets Manager gives 10,000 values a second, and is asked once for each environment.

On-demand suits a load that comes and goes. A steady one is cheaper provisioned: the reads above, ${provisioned} a month
at full use instead of what the table says. Where WAF stands before the API it has a quota of its own by web ACL and
looks at all requests, those that it refuses included.

## Prices

{prices}
"""


if __name__ == "__main__":
    write_page()
