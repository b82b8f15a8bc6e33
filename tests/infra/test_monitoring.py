from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from aws_cdk import App
from aws_cdk.assertions import Template

from infra.settings import STAGES
from infra.stack import RatingsStack
from tests.infra.resources import Resources

if TYPE_CHECKING:
    from collections.abc import Mapping


def _alarm(service: Resources, metric: str) -> dict[str, Any]:
    """The alarm on that metric, but for the one on what is live, of which test_release tells."""
    alarm: dict[str, Any]
    (alarm,) = (
        each["Properties"]
        for each in service.of_type("AWS::CloudWatch::Alarm").values()
        if each["Properties"]["MetricName"] == metric
        and "Resource" not in {each["Name"] for each in each["Properties"]["Dimensions"]}
    )
    return alarm


def test_fewer_than_fourteen_days_left_alarm_and_no_report_does_not(service: Resources) -> None:
    alarm = _alarm(service, "DeveloperTokenDaysLeft")
    function_id, function = service.function("token_rotation")

    assert alarm["Namespace"] == "AppleMusicRatings"
    # What Powertools adds by itself, and what keeps the stages of one account apart.
    assert {each["Name"]: each["Value"] for each in alarm["Dimensions"]} == {
        "service": function["Environment"]["Variables"]["POWERTOOLS_SERVICE_NAME"],
        "function_name": {"Ref": function_id},
    }
    assert (alarm["ComparisonOperator"], alarm["Threshold"]) == ("LessThanThreshold", 14)
    assert (alarm["Statistic"], alarm["Period"], alarm["EvaluationPeriods"]) == (
        "Minimum",
        86_400,
        1,
    )
    assert alarm["TreatMissingData"] == "notBreaching"


def test_one_request_without_a_working_developer_token_alarms(service: Resources) -> None:
    alarm = _alarm(service, "NoDeveloperToken")
    function_id, _ = service.function("ratings")

    assert alarm["Namespace"] == "AppleMusicRatings"
    assert {each["Name"]: each["Value"] for each in alarm["Dimensions"]} == {
        "service": "apple-music-ratings",
        "function_name": {"Ref": function_id},
    }
    assert (alarm["ComparisonOperator"], alarm["Threshold"]) == (
        "GreaterThanOrEqualToThreshold",
        1,
    )
    assert (alarm["Statistic"], alarm["Period"]) == ("Sum", 300)
    assert alarm["TreatMissingData"] == "notBreaching"


def test_one_failed_rotation_alarms(service: Resources) -> None:
    alarm = _alarm(service, "Errors")
    function_id, _ = service.function("token_rotation")

    assert alarm["Namespace"] == "AWS/Lambda"
    assert alarm["Dimensions"] == [{"Name": "FunctionName", "Value": {"Ref": function_id}}]
    assert (alarm["ComparisonOperator"], alarm["Threshold"]) == (
        "GreaterThanOrEqualToThreshold",
        1,
    )
    assert (alarm["Statistic"], alarm["EvaluationPeriods"]) == ("Sum", 1)
    assert alarm["TreatMissingData"] == "notBreaching"


def test_every_alarm_tells_the_topic_which_takes_alarms_of_this_account_by_tls(
    service: Resources,
) -> None:
    topic_id, _ = service.only("AWS::SNS::Topic")
    policy = service.properties("AWS::SNS::TopicPolicy")

    alarms = service.of_type("AWS::CloudWatch::Alarm").values()
    assert len(alarms) >= 3
    assert all(each["Properties"]["AlarmActions"] == [{"Ref": topic_id}] for each in alarms)
    statements = policy["PolicyDocument"]["Statement"]
    assert {
        (each["Effect"], str(each["Principal"]), str(each["Condition"])) for each in statements
    } == {
        ("Deny", "*", str({"Bool": {"aws:SecureTransport": "false"}})),
        (
            "Allow",
            str({"Service": "cloudwatch.amazonaws.com"}),
            str({"StringEquals": {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}}),
        ),
    }


def test_alarms_are_sent_to_the_stages_address_if_it_has_one(
    cdk_context: Mapping[str, Any], service: Resources
) -> None:
    settings = replace(STAGES["dev"], alarm_email="on-call@example.com")
    stack = RatingsStack(App(context=cdk_context), "service", settings=settings)
    addressed = Resources(Template.from_stack(stack).to_json())

    assert "AWS::SNS::Subscription" not in service.types()
    subscription = addressed.properties("AWS::SNS::Subscription")
    assert (subscription["Protocol"], subscription["Endpoint"]) == ("email", "on-call@example.com")
    assert subscription["TopicArn"] == {"Ref": addressed.only("AWS::SNS::Topic")[0]}
