from __future__ import annotations

import json
import re
from fnmatch import fnmatch
from typing import TYPE_CHECKING, Any

import pytest

from infra.observability.alarms import CANARY, PARTS, AlarmId, PageId
from infra.observability.metrics import AccessMetric
from infra.stages import RUNBOOK_URL
from tests.infra.observability import costs
from tests.infra.observability.cloudwatch import properties_by_name
from tests.infra.observability.dashboards import metrics
from tests.infra.observability.monitoring_page import PAGE, monitoring_page

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.infra.resources import Resources

UPDATE = "update it: python -m tests.infra.observability.monitoring_page"
ALARM = "AWS::CloudWatch::Alarm"
COMPOSITE = "AWS::CloudWatch::CompositeAlarm"


def test_monitoring_md_and_cost_md_match_the_templates(
    services: Mapping[str, Resources], full: Resources
) -> None:
    assert PAGE.read_text("utf-8") == monitoring_page(full), UPDATE
    cost = costs.PAGE.read_text("utf-8")
    assert cost == costs.cost_page(services, cost), UPDATE


def test_every_alarm_description_starts_with_the_effect_on_users_and_ends_with_a_runbook_url(
    services: Mapping[str, Resources], full: Resources
) -> None:
    for service, url, off in (
        (services["prod"], RUNBOOK_URL, {AlarmId.SIGN_IN}),
        (full, "https://wiki.example.com/run", set[AlarmId]()),
    ):
        alarms = properties_by_name(service, ALARM) | properties_by_name(service, COMPOSITE)
        assert len(alarms) == len(set(AlarmId) - off) + len(PageId)
        for alarm in alarms.values():
            description = alarm["AlarmDescription"]
            assert description.startswith("Users ")
            # docs/monitoring.md links to the same sections, and test_docs.py checks its links.
            assert re.search(rf"\. {re.escape(url)}#an?-[a-z0-9-]+$", description)
            assert len(description) <= 1024


@pytest.mark.parametrize("alarm", CANARY)
def test_a_rollback_alarm_reads_only_the_new_version_and_does_not_reference_the_alias(
    services: Mapping[str, Resources], alarm: AlarmId
) -> None:
    prod = services["prod"]
    measured = properties_by_name(prod, ALARM)[alarm.value]["Metrics"]
    version_id, _ = prod.only("AWS::Lambda::Version")

    # A reference to the alias would be circular: its deployment group refers to the alarm.
    text = json.dumps(measured)
    assert set(re.findall(r'"Ref": "(\w+)"', text)) == {prod.function("ratings")[0]}
    assert set(re.findall(r'"Fn::GetAtt": \["(\w+)"', text)) == {version_id}
    stats = [each["MetricStat"] for each in measured if "MetricStat" in each]
    assert all(version_id in json.dumps(each["Metric"]["Dimensions"]) for each in stats)


LINES = [
    ({"status": "200", "errorType": "-"}, {"VALID"}),
    ({"status": "204", "errorType": "-"}, {"VALID"}),
    ({"status": "204", "errorType": "-", "httpMethod": "OPTIONS"}, set()),  # a preflight
    ({"status": "404", "errorType": "-"}, {"VALID"}),  # not rated
    ({"status": "404", "errorType": "RESOURCE_NOT_FOUND"}, set()),
    ({"status": "400", "errorType": "-"}, set()),
    ({"status": "401", "errorType": "-"}, set()),
    ({"status": "403", "errorType": "-"}, set()),
    ({"status": "403", "errorType": "WAF_FILTERED"}, set()),
    ({"status": "429", "errorType": "-"}, {"VALID", "FAILED"}),  # Apple's rate limit
    ({"status": "429", "errorType": "THROTTLED"}, {"THROTTLED"}),
    ({"status": "429", "errorType": "THROTTLED", "httpMethod": "OPTIONS"}, {"THROTTLED"}),
    ({"status": "503", "errorType": "-"}, {"VALID", "FAILED"}),
    ({"status": "502", "errorType": "INTEGRATION_FAILURE"}, {"VALID", "FAILED"}),
]


@pytest.mark.parametrize(("line", "counted"), LINES)
def test_the_access_log_counts_valid_failed_and_throttled_requests(
    service: Resources, line: dict[str, str], counted: set[str]
) -> None:
    setting = service.properties("AWS::ApiGateway::Stage")["AccessLogSetting"]
    filters = [each["Properties"] for each in service.of_type("AWS::Logs::MetricFilter").values()]

    assert '"errorType": "$context.error.responseType"' in setting["Format"]
    assert '"status": "$context.status"' in setting["Format"]
    assert '"httpMethod": "$context.httpMethod"' in setting["Format"]
    names = {each.value: each.name for each in AccessMetric}
    matching = set()
    for each in filters:
        assert each["LogGroupName"]["Ref"] in str(setting["DestinationArn"])
        (made,) = each["MetricTransformations"]
        assert (made["MetricNamespace"], made["MetricName"], {}) in list(metrics(service))
        assert made["MetricValue"] == "1"
        if _matches(each["FilterPattern"], {"httpMethod": "GET", **line}):
            matching.add(names[made["MetricName"]])
    assert matching == counted


def _matches(pattern: str, line: dict[str, Any]) -> bool:
    """Translate a filter pattern to Python, and evaluate it on a log line."""
    terms = re.sub(r'\$\.(\w+) = ("[^"]*")', r"fnmatch(line['\1'], \2)", pattern.strip("{} "))
    terms = re.sub(r'\$\.(\w+) != ("[^"]*")', r"line['\1'] != \2", terms)
    text = terms.replace("&&", "and").replace("||", "or")
    return bool(eval(text, {"fnmatch": fnmatch, "line": line}))  # noqa: S307 - our own


def test_pages_and_tickets_notify_their_own_topic_when_they_fire_and_when_they_end(
    services: Mapping[str, Resources],
) -> None:
    prod = services["prod"]
    outputs = prod.outputs()
    pages, tickets = outputs["AlarmTopic"], outputs["TicketTopic"]

    for page in properties_by_name(prod, COMPOSITE).values():
        assert page["AlarmActions"] == page["OKActions"] == [pages]
    for name, alarm in properties_by_name(prod, ALARM).items():
        is_ticket = AlarmId(name) not in {*PARTS, *CANARY}
        assert alarm.get("AlarmActions", []) == alarm.get("OKActions", []) == [tickets] * is_ticket
        is_heartbeat = name == AlarmId.NO_REPORT.value
        assert alarm.get("InsufficientDataActions", []) == [tickets] * is_heartbeat


def test_a_topic_accepts_only_alarms_of_this_account_over_tls(service: Resources) -> None:
    topics = service.of_type("AWS::SNS::Topic")
    policies = service.of_type("AWS::SNS::TopicPolicy").values()

    assert len(policies) == len(topics) == 2
    for policy in policies:
        deny, allow = policy["Properties"]["PolicyDocument"]["Statement"]
        assert (deny["Effect"], deny["Principal"]) == ("Deny", "*")
        assert deny["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}
        assert (allow["Effect"], allow["Principal"]) == (
            "Allow",
            {"Service": "cloudwatch.amazonaws.com"},
        )
        account = {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}
        assert allow["Condition"] == {"StringEquals": account}


def test_the_alarm_email_of_a_stage_is_subscribed_to_both_topics(full: Resources) -> None:
    subscriptions = full.of_type("AWS::SNS::Subscription").values()

    assert {each["Properties"]["TopicArn"]["Ref"] for each in subscriptions} == set(
        full.of_type("AWS::SNS::Topic")
    )
    for each in subscriptions:
        assert each["Properties"]["Protocol"] == "email"
        assert each["Properties"]["Endpoint"] == "on-call@example.com"
