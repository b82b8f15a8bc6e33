"""Each step in each state, repeated and in every order, on moto; docs/rotation.md has the table."""

from __future__ import annotations

from collections.abc import Callable
from itertools import permutations

import jwt
import pytest
from botocore.exceptions import ClientError, ConnectTimeoutError, ParamValidationError
from botocore.stub import Stubber

from functions.shared.signing import SigningKeyError
from functions.token_rotation.errors import (
    AppleUnavailableError,
    DeveloperTokenError,
    NotRotatingError,
    SecretsManagerError,
    TokenRejectedError,
    TokenRotationError,
)
from functions.token_rotation.rotation import Outcome, Step, StepResult
from tests.fakes.signing_keys import TEAM_ID
from tests.integration.token_rotation.conftest import VERSION, start_rotation
from tests.integration.token_rotation.world import (
    BROKEN_KEY,
    DAY,
    FIRST,
    KEY,
    LIFE,
    NO_KEY,
    OLD_TOKEN,
    OTHER,
    PEM,
    PLACEHOLDER,
    Expected,
    World,
    token_until,
)
from tests.secret_scan.encodings import forms_of_parts

pytestmark = pytest.mark.usefixtures("aws")

CREATE, SET, TEST, FINISH = Step


def holding(text: str) -> Callable[[World], None]:
    return lambda world: world.secret().set_pending(VERSION, text)


def signed_long_ago(world: World) -> None:
    world.run(CREATE)
    world.clock.advance(55 * DAY)


def check_fails(error: type[TokenRotationError]) -> Callable[[World], None]:
    def prepare(world: World) -> None:
        world.run(CREATE)
        world.apple_error = error("made to fail")

    return prepare


def previous(world: World) -> None:
    world.run_all()
    world.secret().end_pending(VERSION)
    world.set("developer-token", OLD_TOKEN)


def unknown(world: World) -> None:
    world.version = OTHER


SIGNED, DONE = Outcome.ALREADY_SIGNED, Outcome.NOTHING_TO_SET
REJECTED, UNAVAILABLE = TokenRejectedError, AppleUnavailableError
CHANGES: tuple[Expected, ...] = (Outcome.SIGNED, Outcome.IN_USE)
CHECKS: tuple[Expected, ...] = (Outcome.ACCEPTED, Outcome.IN_USE, REJECTED, UNAVAILABLE)
STATES: dict[str, tuple[Callable[[World], object], tuple[Expected, ...]]] = {
    "empty": (
        lambda _: None,
        (Outcome.SIGNED, DONE, Outcome.NOTHING_TO_TEST, DeveloperTokenError),
    ),
    "signed": (
        lambda world: world.run(CREATE),
        (SIGNED, DONE, Outcome.ACCEPTED, Outcome.IN_USE),
    ),
    "too old": (signed_long_ago, (SIGNED, DONE, Outcome.ACCEPTED, DeveloperTokenError)),
    "rejected": (check_fails(REJECTED), (SIGNED, DONE, REJECTED, REJECTED)),
    "Apple is down": (check_fails(UNAVAILABLE), (SIGNED, DONE, UNAVAILABLE, UNAVAILABLE)),
    "a copy of the placeholder": (
        holding(PLACEHOLDER),
        (SIGNED, DONE, Outcome.NOTHING_TO_TEST, DeveloperTokenError),
    ),
    "a copy of the token": (holding(OLD_TOKEN), (SIGNED, DONE, Outcome.ACCEPTED, Outcome.IN_USE)),
    "another text": (
        holding("something else"),
        (SIGNED, DONE, DeveloperTokenError, DeveloperTokenError),
    ),
    "in use": (World.run_all, (Outcome.ALREADY_IN_USE,) * 4),
    "previous": (previous, (NotRotatingError,) * 4),
    "unlabelled": (lambda world: world.secret().end_pending(VERSION), (NotRotatingError,) * 4),
    "unknown": (unknown, (NotRotatingError,) * 4),
    "rotation is off": (
        lambda world: world.client.cancel_rotate_secret(SecretId="developer-token"),
        (NotRotatingError,) * 4,
    ),
    "the key is broken": (
        lambda world: world.set("signing-key", BROKEN_KEY),
        (SigningKeyError,) * 4,
    ),
}


@pytest.mark.parametrize("state", STATES)
def test_each_step_in_each_state_has_one_outcome_and_a_repetition_changes_nothing(
    state: str,
) -> None:
    prepare, outcomes = STATES[state]
    for step, expected in zip(Step, outcomes, strict=True):
        world = World()
        prepare(world)
        before, token, world.checked = world.versions(), world.in_use(), []

        assert world.outcome(step) is expected

        after = world.versions()
        is_changed = expected in CHANGES or (state, step) == ("too old", FINISH)
        assert (after != before) is is_changed
        assert bool(world.checked) is (expected in CHECKS)
        assert world.in_use() in (token, *world.checked)
        world.clock.advance(60)
        world.outcome(step)
        assert world.versions() == after


@pytest.mark.parametrize("state", STATES)
def test_without_a_key_every_step_succeeds_and_leaves_the_token_in_use(state: str) -> None:
    world = World()
    STATES[state][0](world)
    world.set("signing-key", NO_KEY)
    before, was_pending, world.checked = world.versions(), world.has_pending(), []

    for step in (TEST, *Step):
        assert world.has_pending() is was_pending
        assert world.run(step) == StepResult(Outcome.NO_SIGNING_KEY)

    assert world.has_pending() is (state in ("in use", "unknown"))
    assert world.checked == []
    # No text changed, and no label except AWSPENDING.
    for id_, (text, labels) in world.versions().items():
        assert (text, labels | {"AWSPENDING"}) == (before[id_][0], before[id_][1] | {"AWSPENDING"})


def test_the_four_steps_replace_the_token() -> None:
    world = World()

    results = [world.run(step) for step in Step]

    now = int(world.clock.time())
    assert [result.expires_at for result in results] == [None, None, None, now + LIFE]
    claims = jwt.decode(world.in_use(), options={"verify_signature": False})
    assert claims == {"iss": TEAM_ID, "iat": now, "exp": now + LIFE}
    assert world.checked == [world.in_use()] * 2
    assert world.versions()[FIRST] == (OLD_TOKEN, frozenset({"AWSPREVIOUS"}))


@pytest.mark.parametrize("order", list(permutations(Step)), ids=" ".join)
def test_in_every_order_of_the_steps_an_accepted_token_or_the_old_token_is_in_use(
    order: tuple[Step, ...],
) -> None:
    world = World()
    is_created = is_finished = False

    for step in order:
        expected: dict[Step, Expected] = {
            CREATE: Outcome.SIGNED,
            SET: Outcome.NOTHING_TO_SET,
            TEST: Outcome.ACCEPTED if is_created else Outcome.NOTHING_TO_TEST,
            FINISH: Outcome.IN_USE if is_created else DeveloperTokenError,
        }

        assert world.outcome(step) is (Outcome.ALREADY_IN_USE if is_finished else expected[step])
        assert world.in_use() in (OLD_TOKEN, *world.checked)
        is_created |= step is CREATE
        is_finished |= step is FINISH and is_created

    # In their own order, the steps then complete the rotation.
    world.run_all()
    assert world.in_use() == world.text(VERSION) != OLD_TOKEN


def test_an_event_about_another_secret_is_rejected() -> None:
    with pytest.raises(NotRotatingError, match="another secret"):
        World().run(CREATE, secret_id="arn:aws:secretsmanager:eu-west-1:123456789012:secret:other")


@pytest.mark.parametrize(
    ("prepare", "key", "expected"),
    [
        (lambda _: None, NO_KEY, Outcome.NO_SIGNING_KEY),
        (signed_long_ago, KEY, DeveloperTokenError),
    ],
    ids=["no key", "too old"],
)
def test_an_abandoned_rotation_does_not_block_the_next_rotation(
    prepare: Callable[[World], None], key: str, expected: Expected
) -> None:
    world = World(key=key)
    prepare(world)
    assert world.outcome(FINISH) is expected
    assert (world.in_use(), world.checked, world.has_pending()) == (OLD_TOKEN, [], False)

    world.set("signing-key", KEY)
    assert world.outcome(FINISH) is NotRotatingError
    start_rotation(OTHER)
    world.version = OTHER
    world.run_all()

    assert world.in_use() == world.text(OTHER) != OLD_TOKEN


@pytest.mark.parametrize("text", [PLACEHOLDER, "something else", token_until(1)])
def test_an_old_pending_token_replaces_an_unusable_token(text: str) -> None:
    world = World(token=text)
    world.run(CREATE)
    world.clock.advance(55 * DAY)

    assert world.outcome(FINISH) is Outcome.IN_USE


def test_a_pending_token_comes_into_use_if_no_version_is_in_use() -> None:
    world = World()
    state = {
        "ARN": world.arn,
        "Name": "developer-token",
        "RotationEnabled": True,
        "VersionIdsToStages": {VERSION: ["AWSPENDING"]},
    }
    move = {"SecretId": "developer-token", "VersionStage": "AWSCURRENT", "MoveToVersionId": VERSION}
    with Stubber(world.client) as stubber:
        stubber.add_response("describe_secret", state)
        for text in (KEY, OLD_TOKEN):
            stubber.add_response("get_secret_value", {"SecretString": text})
        stubber.add_response("update_secret_version_stage", {}, move)

        assert world.outcome(FINISH) is Outcome.IN_USE


@pytest.mark.parametrize(
    ("step", "operation", "secret"),
    [
        (CREATE, "DescribeSecret", "developer-token"),
        (CREATE, "GetSecretValue", "signing-key"),
        (TEST, "GetSecretValue", "developer-token"),
        (CREATE, "PutSecretValue", "developer-token"),
        (FINISH, "UpdateSecretVersionStage", "developer-token"),
    ],
)
@pytest.mark.parametrize("kind", ["down", "denied", "quoting"])
def test_if_secrets_manager_fails_the_token_in_use_stays_and_the_error_quotes_no_secret(
    step: Step, operation: str, secret: str, kind: str
) -> None:
    world = World()
    if step is not CREATE:
        world.run(CREATE)
    secrets = f"{KEY} {world.text(VERSION)}"
    denied = {"Error": {"Code": "AccessDeniedException", "Message": secrets}}
    error = {
        "down": ConnectTimeoutError(endpoint_url="https://secretsmanager.test"),
        "denied": ClientError(denied, operation),  # type: ignore[arg-type]
        "quoting": ParamValidationError(report=secrets),
    }[kind]

    with world.failing(operation, secret, error), pytest.raises(SecretsManagerError) as raised:
        world.run(step)

    assert raised.value.__suppress_context__
    assert world.in_use() == OLD_TOKEN
    for form in forms_of_parts(PEM) | forms_of_parts(str(world.text(VERSION))):
        assert form not in f"{raised.value} {raised.value!r}"
