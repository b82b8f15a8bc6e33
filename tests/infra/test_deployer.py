"""The roles of GitHub's workflows, and the workflows that use them."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

PROJECT = Path(__file__).parents[2]
WORKFLOWS = sorted((PROJECT / ".github" / "workflows").glob("*.yml"))


@pytest.fixture(scope="module")
def template() -> dict[str, Any]:
    # At the top, this import would take a second in each process that collects tests.
    from cfnlint.decode import decode  # type: ignore[import-untyped]  # noqa: PLC0415

    document, errors = decode(str(PROJECT / "infra" / "deployer.yaml"))
    assert errors == []
    return dict(document)


def _statement(document: dict[str, Any]) -> dict[str, Any]:
    (statement,) = document["Statement"]
    assert statement.pop("Effect") == "Allow"
    return dict(statement)


@pytest.mark.parametrize(
    ("role", "subject"),
    [
        ("DeployRole", "repo:${Repository}:environment:${Environment}"),
        ("DiffRole", "repo:${Repository}:pull_request"),
    ],
)
def test_a_role_trusts_only_the_jobs_of_its_environment_or_of_pull_requests(
    template: dict[str, Any], role: str, subject: str
) -> None:
    trust = _statement(template["Resources"][role]["Properties"]["AssumeRolePolicyDocument"])

    issuer = "token.actions.githubusercontent.com"
    equals = {f"{issuer}:aud": "sts.amazonaws.com", f"{issuer}:sub": {"Fn::Sub": subject}}
    assert trust["Action"] == "sts:AssumeRoleWithWebIdentity"
    assert trust["Condition"] == {"StringEquals": equals}
    assert trust["Principal"]["Federated"]["Fn::Sub"].endswith(f":oidc-provider/{issuer}")


def test_a_deployment_uses_two_roles_of_the_cdk_and_a_diff_only_reads_templates(
    template: dict[str, Any],
) -> None:
    granted = {}
    for role in ("DeployRole", "DiffRole"):
        (policy,) = template["Resources"][role]["Properties"]["Policies"]
        granted[role] = _statement(policy["PolicyDocument"])
        assert "ManagedPolicyArns" not in template["Resources"][role]["Properties"]

    roles = [arn["Fn::Sub"] for arn in granted["DeployRole"]["Resource"]]
    assert granted["DeployRole"]["Action"] == "sts:AssumeRole"
    assert [re.findall(r"-([a-z-]+)-role-", arn) for arn in roles] == [
        ["deploy"],
        ["file-publishing"],
    ]
    assert granted["DiffRole"]["Action"] == [
        "cloudformation:DescribeStacks",
        "cloudformation:GetTemplate",
    ]
    assert granted["DiffRole"]["Resource"]["Fn::Sub"].endswith(":stack/apple-music-ratings-*")


@pytest.mark.parametrize("file", WORKFLOWS, ids=lambda file: file.name)
def test_every_action_is_pinned_by_commit_and_no_job_has_more_rights_than_it_needs(
    file: Path,
) -> None:
    text = file.read_text("utf-8")
    workflow = yaml.safe_load(text)
    used = re.findall(r"uses: (?!\.)\S+@(\S+)(.*)", text)

    assert used
    assert all(re.fullmatch(r"[0-9a-f]{40}", at) and "# v" in version for at, version in used)
    assert workflow["permissions"] == {}
    for name, job in workflow["jobs"].items():
        needs_aws = name in {"diff", "dev", "prod"}
        expected = {"contents": "read", **({"id-token": "write"} if needs_aws else {})}
        assert job["permissions"] == expected


def test_prod_is_deployed_after_dev_and_each_stage_uses_its_own_environment() -> None:
    (workflow,) = (
        yaml.safe_load(file.read_text("utf-8")) for file in WORKFLOWS if file.stem == "deploy"
    )
    jobs = workflow["jobs"]

    assert (jobs["dev"]["needs"], jobs["prod"]["needs"]) == ("checks", "dev")
    assert (jobs["dev"]["environment"], jobs["prod"]["environment"]) == ("dev", "prod")
    assert jobs["checks"]["if"] == "github.event_name == 'push'"
