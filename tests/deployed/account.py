"""Look-ups in the emulator's account, for the checks."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from dev.apple_music.ratings_store import ResourceId
from dev.emulator.deployment import Deployment

RATINGS_PATH = "/v1/me/ratings"


def path(item: ResourceId) -> str:
    return f"{RATINGS_PATH}/{item.type}/{item.id}"


def log(deployment: Deployment, function: str) -> list[dict[str, Any]]:
    """Return the JSON lines that a function logged, oldest first."""
    configuration = deployment.client("lambda").get_function_configuration(FunctionName=function)
    events = deployment.client("logs").filter_log_events(
        logGroupName=configuration["LoggingConfig"]["LogGroup"]
    )["events"]
    return [json.loads(each["message"]) for each in events if each["message"].startswith("{")]


def remaining(deployment: Deployment) -> dict[str, list[str]]:
    """Return the account's resources by kind, for the kinds that the stack has; omit empty kinds.

    Of the roles, only those with the stack's name are returned.
    """

    def names(service: str, call: str, key: str, name: str) -> list[str]:
        found = getattr(deployment.client(service), call)()[key]
        return [each[name] if name else each for each in found]

    roles = names("iam", "list_roles", "Roles", "RoleName")
    found = {
        "api": names("apigateway", "get_rest_apis", "items", "id"),
        "alarm": names("cloudwatch", "describe_alarms", "MetricAlarms", "AlarmName"),
        "function": names("lambda", "list_functions", "Functions", "FunctionName"),
        "log group": names("logs", "describe_log_groups", "logGroups", "logGroupName"),
        "role": [role for role in roles if deployment.stack in role],
        "rule": names("events", "list_rules", "Rules", "Name"),
        "secret": names("secretsmanager", "list_secrets", "SecretList", "ARN"),
        "table": names("dynamodb", "list_tables", "TableNames", ""),
        "topic": names("sns", "list_topics", "Topics", "TopicArn"),
    }
    return {kind: names for kind, names in found.items() if names}


def stack(deployment: Deployment) -> Mapping[str, Any]:
    cloud_formation = deployment.client("cloudformation")
    (found,) = cloud_formation.describe_stacks(StackName=deployment.stack)["Stacks"]
    return dict(found)
