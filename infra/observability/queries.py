"""Saved CloudWatch Logs Insights queries for the operator who investigates an alarm."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from aws_cdk import Aws
from aws_cdk import aws_logs as logs

if TYPE_CHECKING:
    from constructs import Construct


@dataclass(frozen=True, slots=True)
class Query:
    """One query: construct id, name in the console, text."""

    id: str
    name: str
    text: str


RATINGS_QUERIES: Final = (
    Query(
        "OneRequest",
        "One request by its id",
        """\
fields @timestamp, level, method, message, status, duration_ms, cache_status, error, reason, warnings.0, warnings.1
| filter request_id = "the X-Request-Id header" or function_request_id = "or Lambda's request id"
| sort @timestamp desc
""",  # noqa: E501 - one command per line, as the console shows it
    ),
    Query(
        "ErrorsByReason",
        "Errors by reason",
        """\
filter status >= 500 or status = 429
| stats count(*) as requests, latest(request_id) as example by status, error, reason
| sort requests desc
""",
    ),
    Query(
        "SlowestRequests",
        "Slowest requests",
        """\
fields @timestamp, duration_ms, method, message, status, cache_status, error, warnings.0, request_id
| filter ispresent(request_id)
| sort duration_ms desc
| limit 50
""",
    ),
    Query(
        "FailedQuietly",
        "Failures behind responses without 5xx",
        """\
filter ispresent(warnings.0) and status < 500
| stats count(*) as requests, latest(request_id) as example by warnings.0, warnings.1
| sort requests desc
""",
    ),
    Query(
        "CacheOutcome",
        "Cache results over time",
        """\
filter ispresent(cache_status)
| parse cache_status /(?<outcome>hit|fwd=[a-z]+)/
| fields strcontains(cache_status, "stale-if-error") as served_stale
| stats count(*) as requests, sum(served_stale) as stale by bin(5m), outcome
""",
    ),
    Query(
        "Crashes",
        "Crashes and timeouts",
        """\
fields @timestamp, @message
| filter @message like /Task timed out|Runtime exited|Runtime\\.|Traceback/
| sort @timestamp desc
| limit 50
""",
    ),
)
"""Queries of the ratings function's log, with one line per request."""

ACCESS_QUERIES: Final = (
    Query(
        "GatewayErrors",
        "Gateway errors",
        """\
filter errorType != "-"
| stats count(*) as requests by bin(5m), errorType, status
| sort requests desc
""",
    ),
)
"""Queries of the access log."""


def save_queries(
    scope: Construct, *, ratings_log: logs.ILogGroup, access_log: logs.ILogGroup
) -> None:
    """Save each query for its log group, in a folder with the stack's name."""
    for queries, log_group in ((RATINGS_QUERIES, ratings_log), (ACCESS_QUERIES, access_log)):
        for query in queries:
            logs.CfnQueryDefinition(
                scope,
                query.id,
                name=f"{Aws.STACK_NAME}/{query.name}",
                query_string=query.text,
                log_group_names=[log_group.log_group_name],
            )
