"""From an empty account to an empty account: each check goes on where the one before it ended."""

from __future__ import annotations

import itertools
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import boto3
import pytest
import urllib3
from botocore.config import Config
from botocore.exceptions import ClientError

from deployment.cdk import SERVICE_STACK
from deployment.errors import DeploymentError
from deployment.service import Service
from deployment.stand_in import StandIn
from local.ratings_store import ResourceId
from local.sample_data import ADA, GRACE, LIKED_SONG, RATINGS
from ops.smoke import Reply

RATINGS_PATH = "/v1/me/ratings"
WRONG_TOKEN = "made-up-token-nobody"
READERS = 2
ROTATIONS = 2
BROKEN_APP = "python -m tests.deployed.without_a_grant"
CHANGED = {"fresh_seconds": 7, "throttle_rate": 5, "throttle_burst": 10}


@pytest.fixture(scope="session")
def first(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where what is deployed first is kept."""
    return tmp_path_factory.mktemp("assembly")


def path(item: ResourceId) -> str:
    return f"{RATINGS_PATH}/{item.type}/{item.id}"


def value(reply: Reply) -> int:
    (rating,) = json.loads(reply.body)["data"]
    return int(rating["attributes"]["value"])


def log(service: Service, function: str) -> list[dict[str, Any]]:
    """The lines of JSON that a function logged, oldest first."""
    configuration = service.client("lambda").get_function_configuration(FunctionName=function)
    events = service.client("logs").filter_log_events(
        logGroupName=configuration["LoggingConfig"]["LogGroup"]
    )["events"]
    return [json.loads(each["message"]) for each in events if each["message"].startswith("{")]


def developer_token(service: Service) -> str:
    secrets = service.client("secretsmanager")
    answer = secrets.get_secret_value(SecretId=service.outputs()["DeveloperTokenSecret"])
    return str(answer["SecretString"])


def ratings_function(service: Service) -> str:
    functions = service.client("lambda").list_functions()["Functions"]
    (name,) = (each["FunctionName"] for each in functions if ".ratings." in each["Handler"])
    return str(name)


def test_the_command_line_deploys_to_an_empty_account(service: Service, first: Path) -> None:
    service.bootstrap()
    service.deploy()
    service.keep(first)

    stack = service.client("cloudformation").describe_stacks(StackName=SERVICE_STACK)["Stacks"][0]
    assert stack["StackStatus"] == "CREATE_COMPLETE"


def test_aws_answers_over_tls_alone_and_no_stranger(service: Service) -> None:
    url = service.environment["AWS_ENDPOINT_URL"]
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

    stranger = boto3.client(
        "dynamodb",
        endpoint_url=url,
        region_name="us-east-1",
        aws_access_key_id="AKIAMADEUPMADEUPMADE",
        aws_secret_access_key="made-up",
        verify=service.authority,
        config=Config(retries={"total_max_attempts": 1}),
    )
    with pytest.raises(ClientError, match="UnrecognizedClientException"):
        stranger.list_tables()


def test_without_a_key_an_answer_says_that_there_is_no_developer_token(service: Service) -> None:
    reply = service.ask(path(LIKED_SONG), ADA)

    assert (reply.status, reply.error["code"]) == (503, "50390")


def test_an_operator_puts_the_key_and_has_the_first_token_signed(
    service: Service, stand_in: StandIn
) -> None:
    service.put_signing_key(stand_in.key)
    service.ops("rotate")

    assert stand_in.key.trusted.key_id in service.ops("token")
    assert developer_token(service).count(".") == 2


def test_a_rating_is_read_from_apple_and_then_from_the_cache(service: Service) -> None:
    first, second = (service.ask(path(LIKED_SONG), ADA) for _ in range(2))

    assert (first.status, first.cache, value(first)) == (200, "fwd=miss; stored", 1)
    assert (second.status, value(second)) == (200, 1)
    assert second.cache.startswith("hit; ttl=")
    assert second.headers["age"] == "0"


def test_another_user_reads_their_own(service: Service) -> None:
    reply = service.ask(path(LIKED_SONG), GRACE)

    assert (reply.status, reply.cache, value(reply)) == (200, "fwd=miss; stored", -1)


@pytest.mark.parametrize("item", RATINGS[ADA], ids=path)
def test_a_rating_is_read(service: Service, item: ResourceId) -> None:
    reply = service.ask(path(item), ADA)

    assert (reply.status, value(reply)) == (200, RATINGS[ADA][item])


def test_several_ratings_are_read_at_once_in_the_order_asked(service: Service) -> None:
    ids = ["i.mmpYYzeu4J0XGD", "i.notRatedByAda", "i.7PJNN4mfXlD68R"]

    reply = service.ask(f"{RATINGS_PATH}/library-songs?ids={','.join(ids)}", ADA)

    assert reply.status == 200
    assert [each["id"] for each in json.loads(reply.body)["data"]] == [ids[0], ids[2]]
    # Both of Ada's songs have been read before, the third has not.
    assert reply.cache == "fwd=partial; stored"


def test_a_rating_is_put_and_read_and_deleted_and_gone(service: Service) -> None:
    playlist = f"{RATINGS_PATH}/playlists/pl.acc464c750b94302b8806e5fcbe56e17"

    put = service.ask(playlist, ADA, method="PUT", value=-1)
    assert (put.status, value(put)) == (200, -1)
    assert value(service.ask(playlist, ADA)) == -1

    assert service.ask(playlist, ADA, method="DELETE").status == 204
    gone = service.ask(playlist, ADA)
    assert (gone.status, gone.error["code"]) == (404, "40400")


@pytest.mark.parametrize(
    ("status", "code", "where", "token", "method"),
    [
        (401, "40190", path(LIKED_SONG), None, "GET"),
        (403, "40300", path(LIKED_SONG), WRONG_TOKEN, "GET"),
        (404, "40401", "/v1/me", ADA, "GET"),
        (400, "40090", f"{RATINGS_PATH}/songs/%2e%2e", ADA, "GET"),
        (400, "40091", path(LIKED_SONG), ADA, "PUT"),
        (405, "40590", path(LIKED_SONG), ADA, "POST"),
    ],
    ids=["no token", "a wrong token", "an unknown path", "an id of dots", "no body", "a method"],
)
def test_refused_in_apples_shape(
    service: Service, status: int, code: str, where: str, token: str | None, method: str
) -> None:
    reply = service.ask(where, token, method=method)

    assert (reply.status, reply.error["code"], reply.error["status"]) == (status, code, str(status))
    assert reply.headers["cache-control"] == "private, no-store"
    assert reply.headers["x-request-id"] == reply.error["id"]


def test_the_smoke_test_passes_and_writes_where_it_is_asked_to(service: Service) -> None:
    said = service.ops(
        *("smoke", service.api_url, "--write", "stations/ra.978194965"),
        MUSIC_USER_TOKEN=ADA,
        MUSIC_USER_TOKEN_2=GRACE,
    )

    assert "10 of 10 checks passed." in said


@dataclass(slots=True)
class Traffic:
    """Requests that each went to Apple Music, and the replies that were no answer."""

    count: int = 0
    failures: list[Reply | DeploymentError] = field(default_factory=list)
    end: threading.Event = field(default_factory=threading.Event)

    def read(self, service: Service, numbers: Iterator[int]) -> None:
        while not self.end.is_set():
            try:
                reply = service.ask(f"{RATINGS_PATH}/songs/{next(numbers)}", ADA)
            except DeploymentError as error:
                self.failures.append(error)
                continue
            self.count += 1
            # Each song is asked for once and is rated by nobody: only Apple can say so.
            if (reply.status, reply.cache) != (404, "fwd=miss; stored"):
                self.failures.append(reply)


@contextmanager
def traffic(service: Service) -> Iterator[Traffic]:
    traffic, numbers = Traffic(), itertools.count(1)
    threads = [
        threading.Thread(target=traffic.read, args=(service, numbers)) for _ in range(READERS)
    ]
    for thread in threads:
        thread.start()
    try:
        yield traffic
    finally:
        traffic.end.set()
        for thread in threads:
            thread.join()


def test_requests_go_on_while_the_function_rotates_the_token_in_four_steps(
    service: Service,
) -> None:
    function = service.outputs()["RotationFunction"]
    before, logged = developer_token(service), len(log(service, function))

    with traffic(service) as requests:
        for _ in range(ROTATIONS):
            service.ops("rotate")

    assert requests.failures == []
    assert requests.count > 10 * ROTATIONS
    assert developer_token(service) != before
    steps = [line["step"] for line in log(service, function)[logged:] if "step" in line]
    assert steps == ["createSecret", "setSecret", "testSecret", "finishSecret"] * ROTATIONS


def test_a_changed_setting_is_deployed_and_in_effect(service: Service) -> None:
    service.deploy(settings=CHANGED)

    stack = service.client("cloudformation").describe_stacks(StackName=SERVICE_STACK)["Stacks"][0]
    assert stack["StackStatus"] == "UPDATE_COMPLETE"
    service.ask(path(LIKED_SONG), GRACE)
    hit = service.ask(path(LIKED_SONG), GRACE)
    assert hit.cache.startswith("hit; ttl=")
    assert int(hit.cache.partition("ttl=")[2]) <= CHANGED["fresh_seconds"]


def test_what_was_cached_before_the_update_was_kept(service: Service) -> None:
    (table,) = service.client("dynamodb").list_tables()["TableNames"]

    assert service.client("dynamodb").scan(TableName=table, Select="COUNT")["Count"] > 0


def test_more_requests_than_the_stage_takes_are_throttled_in_apples_shape(
    service: Service,
) -> None:
    replies = [service.ask(path(LIKED_SONG), GRACE) for _ in range(4 * CHANGED["throttle_burst"])]

    throttled = [reply for reply in replies if reply.status == 429]
    assert throttled
    assert {reply.status for reply in replies} == {200, 429}
    for reply in throttled:
        assert (reply.error["code"], reply.error["status"]) == ("42990", "429")
        assert reply.headers["retry-after"] == "1"
        assert reply.headers["cache-control"] == "private, no-store"
        assert reply.headers["x-request-id"] == reply.error["id"]


def test_a_deployment_without_a_change_changes_nothing(service: Service) -> None:
    said = service.deploy(settings=CHANGED)

    assert f"{SERVICE_STACK} (no changes)" in said


def test_a_function_that_lacks_a_grant_is_denied_and_the_smoke_test_catches_it(
    service: Service,
) -> None:
    service.deploy(BROKEN_APP)

    replies = [service.ask(path(LIKED_SONG), ADA) for _ in range(2)]
    assert [(reply.status, reply.cache) for reply in replies] == [(200, "fwd=bypass")] * 2
    lines = log(service, ratings_function(service))[-2:]
    assert [line["noticed"] for line in lines] == [["CacheReadFailed: AccessDeniedException"]] * 2
    assert [line["CacheReadFailed"] for line in lines] == [[1.0]] * 2  # an alarm counts these
    with pytest.raises(DeploymentError, match="FAILED  the second read comes from the cache"):
        service.ops("smoke", service.api_url, MUSIC_USER_TOKEN=ADA)


def test_the_first_deployment_made_again_puts_it_right(service: Service, first: Path) -> None:
    service.deploy(str(first))

    service.ask(path(LIKED_SONG), ADA)
    assert service.ask(path(LIKED_SONG), ADA).cache.startswith("hit; ttl=")


def test_a_removed_deployment_leaves_the_signing_key_and_nothing_else(
    service: Service, stand_in: StandIn, first: Path
) -> None:
    signing_key = service.outputs()["SigningKeySecret"]

    service.destroy(str(first))

    assert _left(service) == {"secret": [signing_key]}
    kept = service.client("secretsmanager").get_secret_value(SecretId=signing_key)
    assert kept["SecretString"] == stand_in.key.document
    with pytest.raises(ClientError, match="does not exist"):
        service.outputs()


def _left(service: Service) -> dict[str, list[str]]:
    """What there is in the account of every kind that the stack makes; the kinds without any out.

    The roles of the bootstrap and of the account's own stack are no part of the service's.
    """
    roles = service.client("iam").list_roles()["Roles"]
    found: dict[str, list[str]] = {
        "api": [each["id"] for each in service.client("apigateway").get_rest_apis()["items"]],
        "alarm": [
            each["AlarmName"]
            for each in service.client("cloudwatch").describe_alarms()["MetricAlarms"]
        ],
        "function": [
            each["FunctionName"] for each in service.client("lambda").list_functions()["Functions"]
        ],
        "log group": [
            each["logGroupName"]
            for each in service.client("logs").describe_log_groups()["logGroups"]
        ],
        "role": [each["RoleName"] for each in roles if SERVICE_STACK in each["RoleName"]],
        "rule": [each["Name"] for each in service.client("events").list_rules()["Rules"]],
        "secret": [
            each["ARN"] for each in service.client("secretsmanager").list_secrets()["SecretList"]
        ],
        "table": list(service.client("dynamodb").list_tables()["TableNames"]),
        "topic": [each["TopicArn"] for each in service.client("sns").list_topics()["Topics"]],
    }
    return {kind: names for kind, names in found.items() if names}
