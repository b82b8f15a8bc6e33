"""The template of `prod`, with every service of the emulator, from deployment to removal."""

from __future__ import annotations

import io
import zipfile

import pytest

from dev.apple_music.launcher import RunningAppleMusic
from dev.apple_music.ratings_store import ResourceId
from dev.apple_music.sample_data import ADA, GRACE, LIKED_SONG
from dev.emulator.deployment import Deployment
from dev.emulator.processes import DeploymentError
from infra.service.release import ALIAS
from tests.api_client import ApiClient
from tests.deployed.account import path, remaining, stack

APP = "python -m tests.deployed.prod_stage"
AUTHORIZER = """
def handler(event, context):
    effect = {"Bearer ada": "Allow", "Bearer eve": "Deny"}.get(event["authorizationToken"])
    if effect is None:
        raise Exception("Unauthorized")
    statement = {"Action": "execute-api:Invoke", "Effect": effect, "Resource": "arn:aws:*"}
    policy = {"Version": "2012-10-17", "Statement": [statement]}
    return {"principalId": "a", "policyDocument": policy}
"""


@pytest.fixture
def client(prod: Deployment) -> ApiClient:
    return ApiClient(prod.api_url, authority=prod.authority)


def live_version(prod: Deployment) -> str:
    function = prod.outputs()["RatingsFunction"]
    alias = prod.client("lambda").get_alias(FunctionName=function, Name=ALIAS)
    return str(alias["FunctionVersion"])


def test_prods_template_is_accepted_and_its_stack_protected(prod: Deployment) -> None:
    prod.bootstrap()
    prod.deploy(APP)

    found = stack(prod)
    assert (found["StackStatus"], found["EnableTerminationProtection"]) == ("CREATE_COMPLETE", True)
    (acl,) = prod.client("wafv2").list_web_acls(Scope="REGIONAL")["WebACLs"]
    assert acl["Name"].startswith(prod.stack)
    with pytest.raises(DeploymentError, match="TerminationProtection is enabled"):
        prod.destroy(APP)


def test_prod_passes_the_smoke_test_with_a_write(
    prod: Deployment, apple: RunningAppleMusic
) -> None:
    prod.put_signing_key(apple.key)
    prod.ops("rotate")

    output = prod.ops(
        *("smoke", "--write", "playlists/pl.acc464c750b94302b8806e5fcbe56e17"),
        variables={"MUSIC_USER_TOKEN": ADA, "MUSIC_USER_TOKEN_2": GRACE},
    )
    assert "10 of 10 checks passed." in output


def test_a_bad_version_is_rolled_back_by_hand_as_the_operations_page_describes(
    prod: Deployment, client: ApiClient
) -> None:
    good = live_version(prod)
    prod.deploy(f"{APP} --broken")
    bad = live_version(prod)
    unrated = path(ResourceId("songs", "1613600188"))

    assert client.request(unrated, ADA).error_code == "50290"
    prod.client("lambda").update_alias(
        FunctionName=prod.outputs()["RatingsFunction"],
        Name=ALIAS,
        FunctionVersion=good,
        RoutingConfig={"AdditionalVersionWeights": {}},
    )
    assert (bad != good, client.request(unrated, ADA).status) == (True, 404)


def test_working_code_is_deployed_after_the_rollback_and_an_authorizer_rejects_in_apples_shape(
    prod: Deployment, client: ApiClient
) -> None:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("authorizer.py", AUTHORIZER)
    functions = prod.client("lambda")
    rotation = functions.get_function(FunctionName=prod.outputs()["RotationFunction"])
    function = functions.create_function(
        FunctionName="authorizer",
        Runtime="python3.13",
        Role=rotation["Configuration"]["Role"],
        Handler="authorizer.handler",
        Code={"ZipFile": archive.getvalue()},
    )
    prod.deploy(f"{APP} --authorizer {function['FunctionArn']}")

    def response(*headers: tuple[str, str]) -> tuple[int, str]:
        received = client.request(path(LIKED_SONG), ADA, *headers)
        assert received.headers["cache-control"] == "private, no-store"
        return received.status, "" if received.status == 200 else received.error_code

    assert response() == (401, "40192")
    assert response(("Authorization", "Bearer unknown")) == (401, "40192")
    assert response(("Authorization", "Bearer eve")) == (403, "40390")
    assert response(("Authorization", "Bearer ada")) == (200, "")


def test_a_removed_prod_leaves_its_table_its_logs_and_the_signing_key(prod: Deployment) -> None:
    outputs = prod.outputs()
    prod.client("lambda").delete_function(FunctionName="authorizer")
    prod.client("cloudformation").update_termination_protection(
        StackName=prod.stack, EnableTerminationProtection=False
    )

    prod.destroy(APP)

    left = remaining(prod)
    assert left.keys() == {"log group", "secret", "table"}
    assert outputs["SigningKeySecret"] in left["secret"]
    assert outputs["DeveloperTokenSecret"] not in left["secret"]
    assert left["table"] == [outputs["CacheTable"]]
    assert outputs["FunctionLogGroup"] in left["log group"]
