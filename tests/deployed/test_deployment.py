"""From an empty account to an empty account: each check continues where the last one ended."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path

import boto3
import pytest
import urllib3
from botocore.config import Config
from botocore.exceptions import ClientError

from dev.apple_music.launcher import RunningAppleMusic
from dev.apple_music.sample_data import ADA, GRACE, LIKED_SONG
from dev.emulator.deployment import ASSEMBLY, Deployment
from dev.emulator.processes import DeploymentError
from tests.api_client import SIGN_IN_PATH, ApiClient
from tests.deployed.account import RATINGS_PATH, log, path, remaining, stack
from tests.traffic import traffic

READERS = 2
ROTATIONS = 2
BROKEN_APP = "python -m tests.deployed.without_a_grant"
CHANGED = {"fresh_seconds": 7, "throttle_rate": 5, "throttle_burst": 10}


@pytest.fixture(scope="session")
def first(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The assembly of the first deployment."""
    return tmp_path_factory.mktemp("assembly")


def developer_token(deployment: Deployment) -> str:
    secrets = deployment.client("secretsmanager")
    secret = secrets.get_secret_value(SecretId=deployment.outputs()["DeveloperTokenSecret"])
    return str(secret["SecretString"])


def ratings_function(deployment: Deployment) -> str:
    functions = deployment.client("lambda").list_functions()["Functions"]
    (name,) = (each["FunctionName"] for each in functions if ".ratings." in each["Handler"])
    return str(name)


def test_the_command_line_deploys_to_an_empty_account(deployment: Deployment, first: Path) -> None:
    deployment.bootstrap()
    deployment.deploy()
    shutil.copytree(ASSEMBLY, first, dirs_exist_ok=True)

    assert stack(deployment)["StackStatus"] == "CREATE_COMPLETE"


def test_aws_requires_tls_and_known_credentials(deployment: Deployment) -> None:
    url = deployment.environment["AWS_ENDPOINT_URL"]
    with (
        urllib3.PoolManager(retries=False) as pool,
        pytest.raises(urllib3.exceptions.SSLError, match="CERTIFICATE_VERIFY_FAILED"),
    ):
        pool.request("GET", url)
    with (
        urllib3.PoolManager(retries=False) as pool,
        pytest.raises(urllib3.exceptions.HTTPError),
    ):
        pool.request("GET", url.replace("https:", "http:"), timeout=2)

    unknown_client = boto3.client(
        "dynamodb",
        endpoint_url=url,
        region_name="us-east-1",
        aws_access_key_id="AKIAMADEUPMADEUPMADE",
        aws_secret_access_key="made-up",
        verify=deployment.authority,
        config=Config(retries={"total_max_attempts": 1}),
    )
    with pytest.raises(ClientError, match="UnrecognizedClientException"):
        unknown_client.list_tables()


def test_without_a_signing_key_no_rating_can_be_read(client: ApiClient) -> None:
    response = client.request(path(LIKED_SONG), ADA)

    assert (response.status, response.error_code) == (503, "50390")


def test_a_request_without_an_api_key_is_rejected(deployment: Deployment) -> None:
    keyless_client = ApiClient(deployment.api_url, authority=deployment.authority)

    for target in (path(LIKED_SONG), SIGN_IN_PATH):
        response = keyless_client.request(target, ADA)
        assert (response.status, response.error_code) == (403, "40390")


def test_without_a_signing_key_no_user_can_sign_in(client: ApiClient) -> None:
    response = client.request(SIGN_IN_PATH)

    assert (response.status, response.error_code) == (503, "50392")
    assert response.headers["x-request-id"] == response.error["id"]


def test_an_operator_sets_the_key_and_the_first_token_is_signed(
    deployment: Deployment, apple: RunningAppleMusic
) -> None:
    deployment.put_signing_key(apple.key)
    deployment.ops("rotate")

    assert apple.key.key_id in deployment.ops("token")
    assert developer_token(deployment).count(".") == 2


def test_an_app_and_an_allowed_page_get_tokens_that_apple_accepts_and_no_log_contains_one(
    deployment: Deployment, client: ApiClient, apple: RunningAppleMusic
) -> None:
    page = {"Origin": "http://localhost:3000"}
    token = client.request(SIGN_IN_PATH).document["token"]
    page_token = client.request(SIGN_IN_PATH, None, *page.items()).document["token"]
    other = client.request(SIGN_IN_PATH, None, ("Origin", "https://other.example"))

    def status(token: str, headers: Mapping[str, str]) -> int:
        headers = {"Authorization": f"Bearer {token}", **headers}
        with urllib3.PoolManager(retries=False) as pool:
            return pool.request("GET", f"{apple.url}/v1/test", headers=headers).status

    assert (other.status, other.error_code) == (403, "40391")
    assert [status(token, {}), status(page_token, page)] == [200, 200]
    assert status(page_token, {}) == 401
    assert token != developer_token(deployment)
    lines = log(deployment, deployment.outputs()["SignInFunction"])
    assert [(line["status"], line.get("signed")) for line in lines] == [
        (503, None),
        (200, True),
        (200, True),
        (403, None),
    ]
    assert not any(part in str(lines) for each in (token, page_token) for part in each.split("."))


def test_each_user_reads_their_rating_from_apple_and_then_from_the_cache(
    client: ApiClient,
) -> None:
    first, second = (client.request(path(LIKED_SONG), ADA) for _ in range(2))

    assert (first.status, first.cache, first.value) == (200, "fwd=miss; stored", 1)
    assert (second.status, second.value) == (200, 1)
    assert second.cache.startswith("hit; ttl=")
    assert second.headers["age"] == "0"
    other = client.request(path(LIKED_SONG), GRACE)
    assert (other.status, other.cache, other.value) == (200, "fwd=miss; stored", -1)


@pytest.mark.parametrize(
    ("status", "code", "where", "token", "method"),
    [
        (403, "40300", path(LIKED_SONG), "made-up-token-unknown", "GET"),
        (400, "40008", f"{RATINGS_PATH}/songs/%2e%2e", ADA, "GET"),
        (400, "40091", path(LIKED_SONG), ADA, "PUT"),
        (405, "40590", path(LIKED_SONG), ADA, "POST"),
    ],
    ids=["an unknown token", "an id of dots", "no body", "an unsupported method"],
)
def test_an_error_has_apples_shape(
    client: ApiClient, status: int, code: str, where: str, token: str, method: str
) -> None:
    response = client.request(where, token, method=method)

    assert (response.status, response.error_code) == (status, code)
    assert response.headers["cache-control"] == "private, no-store"
    assert response.headers["x-request-id"] == response.error["id"]


def test_web_pages_may_call_the_service_and_the_gateway_itself_responds_to_preflights(
    client: ApiClient,
) -> None:
    page = ("Origin", "https://app.example.com")
    preflight = client.request(
        path(LIKED_SONG), None, page, ("Access-Control-Request-Method", "PUT"), method="OPTIONS"
    )

    assert preflight.status == 204  # the function would respond 405
    assert preflight.headers["access-control-allow-methods"] == "GET, PUT, DELETE, OPTIONS"
    assert preflight.headers["access-control-max-age"] == "7200"
    rating = client.request(path(LIKED_SONG), ADA, page)
    gateway_error = client.request("/v1/me/library/songs", None, page)
    assert [rating.status, gateway_error.status] == [200, 404]
    for response in (preflight, rating, gateway_error):
        assert response.headers["access-control-allow-origin"] == "*"


def test_the_smoke_test_passes_with_a_write_and_a_delete(deployment: Deployment) -> None:
    unrated = "playlists/pl.acc464c750b94302b8806e5fcbe56e17"
    output = deployment.ops(
        *("smoke", "--write", unrated),
        variables={"MUSIC_USER_TOKEN": ADA, "MUSIC_USER_TOKEN_2": GRACE},
    )

    assert "10 of 10 checks passed." in output


def test_no_request_fails_while_the_function_rotates_the_token_in_four_steps(
    deployment: Deployment, client: ApiClient
) -> None:
    function = deployment.outputs()["RotationFunction"]
    before, logged = developer_token(deployment), len(log(deployment, function))

    with traffic(client, ADA, threads=READERS) as requests:
        for _ in range(ROTATIONS):
            deployment.ops("rotate")

    assert requests.failures == []
    assert requests.count > 10 * ROTATIONS
    assert developer_token(deployment) != before
    steps = [line["step"] for line in log(deployment, function)[logged:] if "step" in line]
    assert steps == ["createSecret", "setSecret", "testSecret", "finishSecret"] * ROTATIONS


def test_a_changed_setting_takes_effect_and_the_cache_is_kept(
    deployment: Deployment, client: ApiClient
) -> None:
    deployment.deploy(settings=CHANGED)

    assert stack(deployment)["StackStatus"] == "UPDATE_COMPLETE"
    dynamodb = deployment.client("dynamodb")
    (table,) = dynamodb.list_tables()["TableNames"]
    assert dynamodb.scan(TableName=table, Select="COUNT")["Count"] > 0
    client.request(path(LIKED_SONG), GRACE)
    hit = client.request(path(LIKED_SONG), GRACE)
    assert hit.cache.startswith("hit; ttl=")
    assert int(hit.cache.partition("ttl=")[2]) <= CHANGED["fresh_seconds"]


def test_requests_over_the_stages_rate_are_throttled_in_apples_shape(
    client: ApiClient,
) -> None:
    responses = [
        client.request(path(LIKED_SONG), GRACE) for _ in range(4 * CHANGED["throttle_burst"])
    ]

    throttled = [response for response in responses if response.status == 429]
    assert throttled
    assert {response.status for response in responses} == {200, 429}
    for response in throttled:
        assert response.error_code == "42990"
        assert response.headers["retry-after"] == "1"
        assert response.headers["cache-control"] == "private, no-store"
        assert response.headers["x-request-id"] == response.error["id"]


def test_an_unchanged_deployment_changes_nothing(deployment: Deployment) -> None:
    output = deployment.deploy(settings=CHANGED)

    assert f"{deployment.stack} (no changes)" in output


def test_requests_succeed_but_the_smoke_test_fails_if_the_function_may_not_read_the_cache(
    deployment: Deployment, client: ApiClient
) -> None:
    deployment.deploy(BROKEN_APP)

    responses = [client.request(path(LIKED_SONG), ADA) for _ in range(2)]
    assert [(response.status, response.cache) for response in responses] == [
        (200, "fwd=bypass")
    ] * 2
    lines = log(deployment, ratings_function(deployment))[-2:]
    assert [line["warnings"] for line in lines] == [["CacheReadFailed: AccessDeniedException"]] * 2
    assert [line["CacheReadFailed"] for line in lines] == [[1.0]] * 2  # an alarm counts these
    with pytest.raises(DeploymentError, match="FAILED  the second read is a cache hit"):
        deployment.ops("smoke", variables={"MUSIC_USER_TOKEN": ADA})


def test_after_a_rollback_to_the_first_deployment_the_cache_is_read_again(
    deployment: Deployment, client: ApiClient, first: Path
) -> None:
    deployment.deploy(str(first))

    client.request(path(LIKED_SONG), ADA)
    assert client.request(path(LIKED_SONG), ADA).cache.startswith("hit; ttl=")


def test_a_deleted_deployment_leaves_only_the_signing_key(
    deployment: Deployment, apple: RunningAppleMusic, first: Path
) -> None:
    signing_key = deployment.outputs()["SigningKeySecret"]

    deployment.destroy(str(first))

    assert remaining(deployment) == {"secret": [signing_key]}
    kept = deployment.client("secretsmanager").get_secret_value(SecretId=signing_key)
    assert kept["SecretString"] == apple.key.document
    with pytest.raises(ClientError, match="does not exist"):
        deployment.outputs()
