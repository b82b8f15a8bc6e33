"""The app as it is deployed: cdk-nag over it, the real command line, the real bundle."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from aws_cdk import App, Stack
from aws_cdk.aws_s3 import Bucket
from aws_cdk.aws_sqs import Queue

from app import compose, compose_stage
from infra.settings import STAGES
from tests.canaries.ledger import LEDGER
from tests.infra.everything_on import EVERYTHING_ON
from tests.infra.resources import Resources

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from constructs import Construct

    from infra.settings import StageSettings

REPOSITORY = Path(__file__).resolve().parents[2]
ACCOUNT = "apple-music-ratings-account"
TAGGED = {
    "AWS::ApiGateway::RestApi",
    "AWS::ApiGateway::Stage",
    "AWS::CloudWatch::Alarm",
    "AWS::Events::Rule",
    "AWS::IAM::Role",
    "AWS::Lambda::Function",
    "AWS::Logs::LogGroup",
    "AWS::SNS::Topic",
    "AWS::SecretsManager::Secret",
}


def _environment(**extra: str) -> dict[str, str]:
    """An environment with this Python first on the path, and no AWS account to be found."""
    inherited = {
        name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "CDK_"))
    }
    path = f"{Path(sys.executable).parent}{os.pathsep}{inherited['PATH']}"
    return {
        **inherited,
        "PATH": path,
        "AWS_EC2_METADATA_DISABLED": "true",
        "CDK_DISABLE_CLI_TELEMETRY": "1",
        "CI": "1",
        **extra,
    }


def _run(command: list[str], environment: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(  # noqa: S603 - commands that stand below
        command, cwd=REPOSITORY, env=environment, capture_output=True, text=True, check=False
    )


def _run_app(**environment: str) -> subprocess.CompletedProcess[str]:
    return _run([sys.executable, "app.py"], _environment(**environment))


def _template(assembly: Path, stack: str) -> Any:
    text = (assembly / f"{stack}.template.json").read_text(encoding="utf-8")
    LEDGER.record("templates", text)
    return json.loads(text)


def _violations(assembly: Path) -> list[str]:
    report = json.loads((assembly / "validation-report.json").read_text(encoding="utf-8"))
    return [
        violation["ruleName"]
        for plugin in report["pluginReports"]
        for violation in plugin["violations"]
    ]


@pytest.fixture(scope="module")
def assemblies(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Path]:
    """What the command line synthesises for each stage; they share their bundles, made once."""
    output = tmp_path_factory.mktemp("cdk") / "cdk.out"
    kept = {}
    for stage in STAGES:
        command = ["npx", "cdk", "synth", "--quiet", "--no-notices", "-c", f"stage={stage}"]
        result = _run([*command, "--output", str(output)], _environment())
        assert result.returncode == 0, result.stderr
        kept[stage] = output.with_name(stage)
        shutil.copytree(output, kept[stage])
    return kept


def test_cdk_nag_finds_nothing_open(
    cdk_context: Mapping[str, Any], stage: str, tmp_path: Path
) -> None:
    app = App(context={**cdk_context, "stage": stage}, outdir=str(tmp_path))
    compose(app)

    app.synth()

    assert _violations(tmp_path) == []


def test_cdk_nag_finds_nothing_open_where_everything_is_on(
    cdk_context: Mapping[str, Any], tmp_path: Path
) -> None:
    app = App(context=cdk_context, outdir=str(tmp_path))
    compose_stage(app, EVERYTHING_ON)

    app.synth()

    assert _violations(tmp_path) == []


@pytest.mark.parametrize("settings", [STAGES["prod"], EVERYTHING_ON], ids=["without", "with"])
def test_cdk_nag_is_told_why_there_is_no_web_acl_only_where_there_is_none(
    cdk_context: Mapping[str, Any], settings: StageSettings
) -> None:
    app = App(context=cdk_context)
    compose_stage(app, settings)

    acknowledged = [
        construct.node.path
        for construct in app.node.find_all()
        if any("APIG3" in str(entry.data) for entry in construct.node.metadata)
    ]

    expected = [] if settings.firewall else [f"apple-music-ratings-{settings.name}/Api/Rest"]
    assert acknowledged == expected


@pytest.mark.long
def test_cfn_lint_finds_nothing_in_any_template(
    assemblies: Mapping[str, Path], cdk_context: Mapping[str, Any], tmp_path: Path
) -> None:
    app = App(context=cdk_context, outdir=str(tmp_path))
    compose_stage(app, EVERYTHING_ON)
    app.synth()
    templates = [
        str(assembly / f"{stack}.template.json")
        for stage, assembly in {**assemblies, EVERYTHING_ON.name: tmp_path}.items()
        for stack in (ACCOUNT, f"apple-music-ratings-{stage}")
    ]

    result = _run(["cfn-lint", "--", *templates], _environment())

    assert (result.stdout, result.stderr, result.returncode) == ("", "", 0)


@pytest.mark.parametrize(
    ("careless", "finding"),
    [(Bucket, "AwsSolutions-S1"), (Queue, "Serverless-SQSRedrivePolicy")],
    ids=["AwsSolutions", "Serverless"],
)
def test_an_open_finding_of_either_pack_stops_the_synthesis(
    cdk_context: Mapping[str, Any],
    tmp_path: Path,
    careless: Callable[[Construct, str], object],
    finding: str,
) -> None:
    app = App(context=cdk_context, outdir=str(tmp_path))
    compose(app)
    careless(Stack(app, "careless"), "Resource")

    with pytest.raises(RuntimeError, match="ValidationFailed"):
        app.synth()

    assert finding in _violations(tmp_path)


@pytest.mark.long
@pytest.mark.parametrize("package", ["ratings", "token_rotation"])
def test_the_command_line_synthesises_each_stage_with_its_bundles(
    assemblies: Mapping[str, Path], stage: str, package: str
) -> None:
    assembly = assemblies[stage]
    template = Resources(_template(assembly, f"apple-music-ratings-{stage}"))

    key = template.function(package)[1]["Code"]["S3Key"]

    bundle = assembly / f"asset.{key.removesuffix('.zip')}"
    assert (bundle / "functions" / package / "settings.py").is_file()
    assert (bundle / "urllib3" / "__init__.py").is_file()
    # Nothing of what makes, tests or deploys the function, nor of another one.
    for other in ("infra", "tests", "local", "ops", "app.py", "aws_cdk"):
        assert not (bundle / other).exists()
    folders = {each.name for each in (bundle / "functions").iterdir() if each.is_dir()}
    assert folders - {"__pycache__"} == {package, "shared"}


@pytest.mark.long
def test_a_services_deployment_brings_the_accounts_along_and_prod_is_protected(
    assemblies: Mapping[str, Path], stage: str
) -> None:
    manifest = json.loads((assemblies[stage] / "manifest.json").read_text(encoding="utf-8"))

    service = manifest["artifacts"][f"apple-music-ratings-{stage}"]

    assert ACCOUNT in service["dependencies"]
    assert service["properties"].get("terminationProtection", False) is (stage == "prod")


@pytest.mark.long
def test_python_alone_gives_the_command_lines_templates(
    assemblies: Mapping[str, Path], tmp_path: Path
) -> None:
    context = json.dumps({"stage": "prod", "aws:cdk:bundling-stacks": []})

    result = _run_app(CDK_OUTDIR=str(tmp_path), CDK_CONTEXT_JSON=context)

    assert result.returncode == 0, result.stderr
    for stack in (ACCOUNT, "apple-music-ratings-prod"):
        assert _template(tmp_path, stack) == _template(assemblies["prod"], stack)


def test_the_account_is_the_same_for_every_stage_and_the_service_says_which_it_is(
    cdk_context: Mapping[str, Any], tmp_path: Path
) -> None:
    accounts = []
    for stage in STAGES:
        app = App(context={**cdk_context, "stage": stage}, outdir=str(tmp_path / stage))
        compose(app)
        app.synth()
        accounts.append(_template(tmp_path / stage, ACCOUNT))
        service = _template(tmp_path / stage, f"apple-music-ratings-{stage}")
        tags = [
            resource["Properties"].get("Tags")
            for resource in service["Resources"].values()
            if resource["Type"] in TAGGED
        ]
        assert len(tags) >= len(TAGGED)
        assert all(
            each
            == [
                {"Key": "project", "Value": "apple-music-ratings"},
                {"Key": "stage", "Value": stage},
            ]
            for each in tags
        )

    assert all(each == accounts[0] for each in accounts)


def test_an_unknown_stage_is_said_plainly(tmp_path: Path) -> None:
    context = json.dumps({"stage": "staging"})

    result = _run_app(CDK_OUTDIR=str(tmp_path), CDK_CONTEXT_JSON=context)

    assert result.returncode == 2
    assert "unknown stage 'staging': choose one of dev, prod" in result.stderr
    assert "Traceback" not in result.stderr


def test_the_stage_of_this_machine_is_refused_to_an_account(tmp_path: Path) -> None:
    result = _run_app(CDK_OUTDIR=str(tmp_path), CDK_CONTEXT_JSON=json.dumps({"stage": "local"}))

    assert result.returncode == 2
    assert "'local' is for this machine alone, not for an account" in result.stderr
    assert "Traceback" not in result.stderr


def test_a_bundle_that_cannot_be_made_is_said_plainly(tmp_path: Path) -> None:
    result = _run_app(CDK_OUTDIR=str(tmp_path), PIP_NO_INDEX="1", PIP_FIND_LINKS=str(tmp_path))

    assert result.returncode == 1
    assert "pip could not bundle functions/ratings" in result.stderr
    assert "Check the network" in result.stderr
    assert "Traceback" not in result.stderr
