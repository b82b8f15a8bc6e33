"""Saved CloudWatch Logs Insights queries: what an operator asks the logs when an alarm rings."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from aws_cdk import Aws
from aws_cdk import aws_logs as logs

if TYPE_CHECKING:
    from constructs import Construct


@dataclass(frozen=True, slots=True)
class Query:
    """One question; `id` is its construct's, `name` is what the console lists."""

    id: str
    name: str
    text: str


RATINGS_QUERIES: Final = (
    Query(
        "OneRequest",
        "One request by its id",
        """\
fields @timestamp, level, method, message, status, milliseconds, cache, error, reason, noticed.0, noticed.1
| filter request_id = "the answer's X-Request-Id" or function_request_id = "or Lambda's id"
| sort @timestamp desc
""",  # noqa: E501 - one command a line, as the console shows it
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
fields @timestamp, milliseconds, method, message, status, cache, error, noticed.0, request_id
| filter ispresent(request_id)
| sort milliseconds desc
| limit 50
""",
    ),
    Query(
        "FailedQuietly",
        "What failed behind good answers",
        """\
filter ispresent(noticed.0) and status < 500
| stats count(*) as requests, latest(request_id) as example by noticed.0, noticed.1
| sort requests desc
""",
    ),
    Query(
        "CacheOutcome",
        "What the cache did, over time",
        """\
filter ispresent(cache)
| parse cache /(?<outcome>hit|fwd=[a-z]+)/
| fields strcontains(cache, "stale-if-error") as stood_in
| stats count(*) as requests, sum(stood_in) as stale by bin(5m), outcome
""",
    ),
    Query(
        "Crashes",
        "Crashes and time-outs",
        """\
fields @timestamp, @message
| filter @message like /Task timed out|Runtime exited|Runtime\\.|Traceback/
| sort @timestamp desc
| limit 50
""",
    ),
)
"""Of the ratings function's log, one line of which tells of each request."""

ACCESS_QUERIES: Final = (
    Query(
        "GatewayErrors",
        "Answers of the gateway's own",
        """\
filter errorType != "-"
| stats count(*) as requests by bin(5m), errorType, status
| sort requests desc
""",
    ),
)
"""Of the access log."""


def save_queries(
    scope: Construct, *, ratings_log: logs.ILogGroup, access_log: logs.ILogGroup
) -> None:
    """Save each query with the log group that it is meant for, under the stack's name."""
    for queries, log_group in ((RATINGS_QUERIES, ratings_log), (ACCESS_QUERIES, access_log)):
        for query in queries:
            logs.CfnQueryDefinition(
                scope,
                query.id,
                name=f"{Aws.STACK_NAME}/{query.name}",
                query_string=query.text,
                log_group_names=[log_group.log_group_name],
            )
