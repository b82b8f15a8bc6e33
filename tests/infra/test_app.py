"""The app as it is deployed: cdk-nag, the CDK's command line, the real bundles."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from aws_cdk import App, Stack
from aws_cdk.aws_s3 import Bucket
from aws_cdk.aws_sqs import Queue

from app import compose, compose_stage
from infra.optional_features import CognitoAuthorizer
from infra.stages import STAGES, UnknownStageError
from tests.infra.full_stage import FULL
from tests.infra.resources import REPOSITORY, Resources, cdk_context

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from constructs import Construct

    from infra.stages import StageSettings

ACCOUNT = "apple-music-ratings-account"
MANUAL_FULL = replace(
    FULL,
    token_rotation=False,
    provisioned_concurrency=None,
    snap_start=True,
    authorizer=CognitoAuthorizer(
        user_pool_arn="arn:aws:cognito-idp:us-east-1:123456789012:userpool/us-east-1_Ab12Cd34E",
        scopes=("ratings/read", "ratings/write"),
    ),
)
API = ["Api/Rest"]


def _run(*command: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run a command with this Python first on the path, and without an AWS account."""
    inherited = {
        name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "CDK_"))
    }
    environment = {
        **inherited,
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{inherited['PATH']}",
        "AWS_EC2_METADATA_DISABLED": "true",
        "CDK_DISABLE_CLI_TELEMETRY": "1",
        "CI": "1",
        **environment,
    }
    return subprocess.run(  # noqa: S603 - fixed commands
        command, cwd=REPOSITORY, env=environment, capture_output=True, text=True, check=False
    )


def _run_app(output: Path, context: Mapping[str, Any], **extra: str) -> Any:
    return _run(
        sys.executable,
        "app.py",
        CDK_OUTDIR=str(output),
        CDK_CONTEXT_JSON=json.dumps(context),
        **extra,
    )


def _template(assembly: Path, stack: str) -> Resources:
    return Resources(json.loads((assembly / f"{stack}.template.json").read_text("utf-8")))


def _violations(assembly: Path) -> list[str]:
    report = json.loads((assembly / "validation-report.json").read_text("utf-8"))
    return [
        violation["ruleName"]
        for plugin in report["pluginReports"]
        for violation in plugin["violations"]
    ]


@pytest.fixture(scope="module")
def assemblies(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Path]:
    """The output of `cdk synth` for each stage; each bundle is made only once."""
    output = tmp_path_factory.mktemp("cdk") / "cdk.out"
    kept = {}
    for stage in STAGES:
        command = ["npx", "cdk", "synth", "--quiet", "--no-notices", "-c", f"stage={stage}"]
        result = _run(*command, "--output", str(output))
        assert result.returncode == 0, result.stderr
        kept[stage] = output.with_name(stage)
        shutil.copytree(output, kept[stage])
    return kept


@pytest.mark.parametrize(
    ("settings", "acknowledged"),
    [
        pytest.param(
            STAGES["dev"],
            {"APIG3": API, "APIG4": API, "COG4": API, "SMG4": ["Key/Secret"]},
            id="dev",
            marks=pytest.mark.long,
        ),
        pytest.param(
            STAGES["prod"],
            {"APIG3": [], "APIG4": API, "COG4": API, "SMG4": ["Key/Secret"]},
            id="prod",
        ),
        pytest.param(
            FULL,
            {"APIG3": [], "APIG4": [], "COG4": API, "SMG4": ["Key/Secret"]},
            id="full",
            marks=pytest.mark.long,
        ),
        pytest.param(
            MANUAL_FULL,
            {"APIG4": [], "COG4": [], "SMG4": ["Key/Secret", "Token/Secret"]},
            id="manual",
            marks=pytest.mark.long,
        ),
    ],
)
def test_no_finding_of_cdk_nag_is_open_and_each_is_acknowledged_only_where_it_applies(
    settings: StageSettings, acknowledged: Mapping[str, list[str]], tmp_path: Path
) -> None:
    app = App(context=cdk_context(), outdir=str(tmp_path))
    compose_stage(app, settings)

    app.synth()

    assert _violations(tmp_path) == []
    for finding, paths in acknowledged.items():
        found = [
            construct.node.path.partition("/")[2]
            for construct in app.node.find_all()
            if any(finding in str(entry.data) for entry in construct.node.metadata)
        ]
        assert sorted(found) == paths


@pytest.mark.parametrize(
    ("careless", "finding"),
    [(Bucket, "AwsSolutions-S1"), (Queue, "Serverless-SQSRedrivePolicy")],
    ids=["AwsSolutions", "Serverless"],
)
def test_an_open_finding_of_either_pack_stops_the_synthesis(
    tmp_path: Path, careless: Callable[[Construct, str], object], finding: str
) -> None:
    app = App(context=cdk_context(), outdir=str(tmp_path))
    compose(app)
    careless(Stack(app, "careless"), "Resource")

    with pytest.raises(RuntimeError, match="ValidationFailed"):
        app.synth()

    assert finding in _violations(tmp_path)


@pytest.mark.long
def test_cfn_lint_has_no_finding_in_any_template(
    assemblies: Mapping[str, Path], tmp_path: Path
) -> None:
    app = App(context=cdk_context(), outdir=str(tmp_path))
    compose_stage(app, FULL)
    app.synth()
    templates = [
        str(assembly / f"{stack}.template.json")
        for stage, assembly in {**assemblies, FULL.name: tmp_path}.items()
        for stack in (ACCOUNT, f"apple-music-ratings-{stage}")
    ]

    result = _run("cfn-lint", "--", "infra/deployer.yaml", *templates)

    assert (result.stdout, result.stderr, result.returncode) == ("", "", 0)


@pytest.mark.long
def test_python_without_the_cdk_cli_writes_the_same_templates(
    assemblies: Mapping[str, Path], tmp_path: Path
) -> None:
    result = _run_app(tmp_path, {"stage": "prod", "aws:cdk:bundling-stacks": []})

    assert result.returncode == 0, result.stderr
    for stack in (ACCOUNT, "apple-music-ratings-prod"):
        expected = _template(assemblies["prod"], stack)
        assert _template(tmp_path, stack).template == expected.template


def test_all_stages_depend_on_one_account_stack_and_only_prod_is_protected(
    tmp_path: Path,
) -> None:
    accounts = []
    for stage in STAGES:
        app = App(context={**cdk_context(), "stage": stage}, outdir=str(tmp_path / stage))
        compose(app)
        app.synth()
        accounts.append(_template(tmp_path / stage, ACCOUNT).template)
        service = _template(tmp_path / stage, f"apple-music-ratings-{stage}")
        tags = service.properties("AWS::ApiGateway::Stage")["Tags"]
        assert {each["Key"]: each["Value"] for each in tags} == {
            "project": "apple-music-ratings",
            "stage": stage,
        }
        manifest = json.loads((tmp_path / stage / "manifest.json").read_text("utf-8"))
        artifact = manifest["artifacts"][f"apple-music-ratings-{stage}"]
        assert ACCOUNT in artifact["dependencies"]
        protected = artifact["properties"].get("terminationProtection", False)
        assert protected is (stage == "prod")

    assert all(each == accounts[0] for each in accounts)


@pytest.mark.parametrize(
    ("stage", "region", "message"),
    [
        ("staging", "eu-west-1", "unknown stage 'staging': choose one of dev, prod"),
        ("dev", "cn-north-1", "the region cn-north-1 belongs to the partition aws-cn"),
    ],
)
def test_a_stage_that_cannot_be_deployed_to_an_account_ends_the_app_with_one_message(
    tmp_path: Path, stage: str, region: str, message: str
) -> None:
    result = _run_app(tmp_path, {"stage": stage}, CDK_DEFAULT_REGION=region)

    assert result.returncode == 2
    assert message in result.stderr
    assert "Traceback" not in result.stderr


def test_the_local_stage_needs_the_emulators_context(tmp_path: Path) -> None:
    app = App(context={**cdk_context(), "stage": "local"}, outdir=str(tmp_path))

    with pytest.raises(UnknownStageError, match="'local' is for this machine only"):
        compose(app)


def test_a_bundle_that_cannot_be_made_ends_the_app_with_one_message(tmp_path: Path) -> None:
    result = _run_app(tmp_path, {}, PIP_NO_INDEX="1", PIP_FIND_LINKS=str(tmp_path))

    assert result.returncode == 1
    assert "Bundling asset apple-music-ratings-dev/" in result.stderr  # the default stage
    assert "pip could not bundle functions/ratings" in result.stderr
    assert "ERROR: No matching distribution found for" in result.stderr  # pip's message
    assert "Check the network, then run `make lock`." in result.stderr
    assert "Traceback" not in result.stderr
