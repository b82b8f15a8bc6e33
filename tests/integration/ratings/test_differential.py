"""Random requests to the function: two small models check every response."""

import itertools
import json
from collections.abc import Mapping
from typing import Any, Final

import pytest
from botocore import xform_name
from moto.core.exceptions import JsonRESTError
from moto.dynamodb.responses import DynamoHandler

from functions.ratings import models, writes
from functions.ratings.apple.rejected_tokens import RejectedTokens
from functions.ratings.cache import policy
from functions.ratings.cache.dynamodb import DynamoDBCache
from functions.ratings.cache.lookup import CacheLookup
from functions.ratings.cache.policy import CachedRating, CachePolicy, Family, WriteStarted
from functions.shared.aws.json_client import AwsCall, AwsError
from tests.contracts.differential.run import Run
from tests.fakes.dynamodb import FakeDynamoDB

STEPS: Final = 250
"""The steps of one run; longer runs find no other defects."""

KINDS: Final = {
    "200", "204", "400", "401", "403", "429", "502", "503", "504",  # responses to writes
    "200 hit", "404 hit", "200 fwd=miss", "200 fwd=miss stored", "404 fwd=miss stored",
    "200 fwd=stale stored", "404 fwd=stale stored", "200 fwd=partial", "200 fwd=partial stored",
    "200 fwd=bypass", "404 fwd=bypass", "200 fwd=stale detail=stale-if-error",
    "404 fwd=stale detail=stale-if-error", "401 fwd=miss", "403 fwd=miss",
    "429 fwd=miss", "502 fwd=miss", "503 fwd=miss", "504 fwd=miss", "502 fwd=bypass",
}  # fmt: skip


def moto_call(operation: str, request: Mapping[str, Any]) -> dict[str, Any]:
    """Call moto's DynamoDB without boto3, which takes more than half the time of a call."""
    handler = DynamoHandler()
    handler.region, handler.current_account, handler.body = "eu-west-1", "123456789012", request
    try:
        result: dict[str, Any] = getattr(handler, xform_name(operation))().result
    except JsonRESTError as error:
        document = json.loads(error.description)
        raise AwsError(document["__type"].rpartition("#")[2], document.get("Item")) from None
    return result


def run_until(requests: int, call: AwsCall) -> set[str]:
    """Run until at least `requests` are answered; return the kinds of responses."""
    kinds: set[str] = set()
    for seed in itertools.count():
        run = Run(seed, call)
        for _ in range(STEPS):
            run.step()
        requests -= run.count
        kinds |= run.kinds
        if requests <= 0:
            return kinds
    raise AssertionError


def test_the_models_allow_every_response() -> None:
    assert run_until(3_000, FakeDynamoDB().call) >= KINDS


@pytest.mark.usefixtures("dynamodb")
def test_the_models_allow_every_response_over_moto() -> None:
    run_until(200, moto_call)


@pytest.mark.long
@pytest.mark.usefixtures("dynamodb")
def test_the_models_allow_each_of_20_000_responses() -> None:
    run_until(1_000, moto_call)
    assert run_until(20_000, FakeDynamoDB().call) >= KINDS


started = Family.started


@pytest.mark.parametrize(
    ("where", "name", "broken"),
    [
        (Family, "is_settled", lambda *_: True),
        (Family, "started", lambda *each: started(*each)._replace(had_concurrent_write=False)),
        (policy, "MAX_ANSWERS", 5),
        (policy, "SETTLING_SECONDS", 1),
        (WriteStarted, "answers_after", lambda self, *_: self.answers),
        (CachePolicy, "merge", lambda _self, _kept, fetched, _now: fetched),
        (CachedRating, "is_stale", lambda self, now: self.fresh_until <= now),
        (CacheLookup, "missing", property(lambda self: tuple(sorted(self.keys)))),
        (RejectedTokens, "check", lambda *_: None),
        (models.MusicUserToken, "hash", "one user"),
        (writes, "_outcome", lambda _: policy.WriteOutcome.CONFIRMED),
        (DynamoDBCache, "invalidate", lambda *_, **__: None),
    ],
    ids=lambda each: each if isinstance(each, str) else "",
)
def test_a_broken_function_is_detected(
    where: object, name: str, broken: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(where, name, broken)

    with pytest.raises(AssertionError, match=r"^seed \d+: expected "):
        run_until(8_000, FakeDynamoDB().call)
