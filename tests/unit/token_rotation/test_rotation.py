"""Each step in each state, repeated and in every order; docs/rotation.md has it as a table."""

from itertools import permutations
from typing import Any, cast

import jwt
import pytest
from botocore.exceptions import ClientError, ConnectTimeoutError, ParamValidationError

from functions.token_rotation.errors import (
    AppleUnavailableError,
    DeveloperTokenError,
    NotRotatingError,
    SecretsManagerError,
    SigningKeyError,
    TokenRefusedError,
    TokenRotationError,
)
from functions.token_rotation.rotation import Ending, Outcome, Rotation, Step, is_worth_using
from functions.token_rotation.secret_versions import SecretVersions
from functions.token_rotation.signing import signing_key_document
from tests.canaries.encodings import disguises
from tests.fakes.clock import FakeClock
from tests.fakes.secrets_manager import FakeSecretsManager, Version
from tests.fakes.signing_keys import KEY_ID, TEAM_ID, p256_key, pem

VERSION = "5f9d5cf5-7b5e-4a32-9b51-3f1f7c0e3b11"
LIFE = 60 * 86_400
PLACEHOLDER = "no developer token yet: put one here"
PEM = pem(p256_key())
KEY = signing_key_document(PEM, KEY_ID, TEAM_ID)
NO_KEY = "no signing key yet: put one here"


def token_until(expires_at: float) -> str:
    return jwt.encode({"exp": expires_at}, "a key that no one uses for anything else")


OLD_TOKEN = token_until(1_900_000_000)

CREATE, SET, TEST, FINISH = Step


class FakeApple:
    """Accepts every token, or answers with an error; `tried` is what was asked about."""

    def __init__(self) -> None:
        self.error: TokenRotationError | None = None
        self.tried: list[str] = []

    def try_token(self, token: str) -> None:
        self.tried.append(token)
        if self.error is not None:
            raise self.error


class World:
    """A secret in use, another with the key, and VERSION as Secrets Manager prepares it."""

    def __init__(self, *, key: str = KEY, token: str = OLD_TOKEN) -> None:
        self.client = FakeSecretsManager()
        self.apple = FakeApple()
        self.clock = FakeClock()
        self.secret = self.client.create("developer-token", token)
        self.key = self.client.create("signing-key", key)
        self.prepare()

    def prepare(self, text: str | None = None) -> None:
        self.secret.versions[VERSION] = Version(text, {"AWSPENDING"})

    def run(self, step: Step, *, version_id: str = VERSION, secret_id: str | None = None) -> Ending:
        client = cast("Any", self.client)
        rotation = Rotation(
            developer_token=SecretVersions(client=client, secret_id="developer-token"),
            signing_key=SecretVersions(client=client, secret_id="signing-key"),
            apple_music=self.apple,
            clock=self.clock,
            life_seconds=LIFE,
        )
        return rotation.run(step, secret_id=secret_id or self.secret.arn, version_id=version_id)

    def outcome(self, step: Step) -> Outcome | type[TokenRotationError]:
        try:
            return self.run(step).outcome
        except TokenRotationError as error:
            return type(error)

    def in_use(self) -> str | None:
        version = self.secret.bearing("AWSCURRENT")
        return self.secret.versions[version].text if version else None

    def pending(self) -> str | None:
        return self.secret.versions[VERSION].text

    def holdings(self) -> dict[str, tuple[str | None, frozenset[str]]]:
        return {id_: (v.text, frozenset(v.labels)) for id_, v in self.secret.versions.items()}


def test_the_four_steps_renew_the_token() -> None:
    world = World()

    outcomes = [world.run(step).outcome for step in Step]

    assert outcomes == [
        Outcome.SIGNED,
        Outcome.NOTHING_TO_SET,
        Outcome.ACCEPTED,
        Outcome.IN_USE,
    ]
    new = world.in_use()
    assert new is not None
    assert new != OLD_TOKEN
    now = int(world.clock.time())
    claims = jwt.decode(new, options={"verify_signature": False})
    assert claims == {"iss": TEAM_ID, "iat": now, "exp": now + LIFE}
    assert world.apple.tried == [new, new]
    assert world.secret.versions["first"].labels == {"AWSPREVIOUS"}
    assert world.secret.versions["first"].text == OLD_TOKEN


def test_finishing_tells_when_the_new_token_expires() -> None:
    world = World()
    world.run(CREATE)

    assert world.run(FINISH).expires_at == int(world.clock.time()) + LIFE
    assert world.run(FINISH).expires_at is None


@pytest.mark.parametrize(
    ("step", "again"),
    [
        (CREATE, Outcome.ALREADY_SIGNED),
        (SET, Outcome.NOTHING_TO_SET),
        (TEST, Outcome.ACCEPTED),
        (FINISH, Outcome.ALREADY_IN_USE),
    ],
)
def test_a_repeated_step_finds_its_work_done(step: Step, again: Outcome) -> None:
    world = World()
    for earlier in Step:
        world.run(earlier)
        if earlier is step:
            break
    before = world.holdings()
    world.clock.advance(60)

    assert world.run(step).outcome is again
    assert world.holdings() == before


@pytest.mark.parametrize("order", list(permutations(Step)), ids=" ".join)
def test_in_whatever_order_the_steps_come_an_accepted_token_or_the_old_one_is_in_use(
    order: tuple[Step, ...],
) -> None:
    world = World()

    for place, step in enumerate(order):
        created, finished = (
            CREATE in order[:place],
            {CREATE, FINISH} <= set(order[:place])
            and order.index(FINISH, 0, place) > order.index(CREATE, 0, place),
        )
        before = world.holdings()

        outcome = world.outcome(step)

        if finished:
            assert outcome is Outcome.ALREADY_IN_USE
        else:
            assert (
                outcome
                is {
                    CREATE: Outcome.SIGNED,
                    SET: Outcome.NOTHING_TO_SET,
                    TEST: Outcome.ACCEPTED if created else Outcome.NOTHING_TO_TEST,
                    FINISH: Outcome.IN_USE if created else DeveloperTokenError,
                }[step]
            )
        if outcome not in (Outcome.SIGNED, Outcome.IN_USE):
            assert world.holdings() == before
        assert world.in_use() == OLD_TOKEN or world.in_use() in world.apple.tried

    # Whatever happened, the steps in their own order lead to the end.
    for step in Step:
        world.run(step)
    assert world.in_use() == world.pending() != OLD_TOKEN


@pytest.mark.parametrize("step", [TEST, FINISH])
@pytest.mark.parametrize("error", [TokenRefusedError, AppleUnavailableError])
def test_a_token_that_apple_does_not_accept_never_comes_into_use(
    step: Step, error: type[TokenRotationError]
) -> None:
    world = World()
    world.run(CREATE)
    before = world.holdings()
    world.apple.error = error("told to fail")

    assert world.outcome(step) is error
    assert world.holdings() == before
    assert world.in_use() == OLD_TOKEN


@pytest.mark.parametrize("step", list(Step))
def test_a_version_in_use_is_left_alone(step: Step) -> None:
    world = World()
    world.prepare("second.token.text")
    world.secret.versions["first"].labels = {"AWSPREVIOUS"}
    world.secret.versions[VERSION].labels = {"AWSCURRENT", "AWSPENDING"}
    before = world.holdings()

    assert world.outcome(step) is Outcome.ALREADY_IN_USE
    assert (world.holdings(), world.apple.tried) == (before, [])


@pytest.mark.parametrize("step", list(Step))
def test_a_version_that_is_not_pending_is_refused(step: Step) -> None:
    world = World()
    for labels in (set[str](), {"AWSPREVIOUS"}):
        world.secret.versions[VERSION] = Version(OLD_TOKEN, labels)
        before = world.holdings()

        assert world.outcome(step) is NotRotatingError
        assert (world.holdings(), world.apple.tried) == (before, [])


@pytest.mark.parametrize("step", list(Step))
def test_without_rotation_enabled_nothing_is_done(step: Step) -> None:
    world = World()
    world.secret.is_rotated = False
    before = world.holdings()

    assert world.outcome(step) is NotRotatingError
    assert (world.holdings(), world.apple.tried) == (before, [])


def test_an_event_about_another_secret_is_refused() -> None:
    with pytest.raises(NotRotatingError, match="another secret"):
        World().run(CREATE, secret_id="arn:aws:secretsmanager:eu-west-1:123456789012:secret:other")


@pytest.mark.parametrize("step", list(Step))
@pytest.mark.parametrize("token", [PLACEHOLDER, OLD_TOKEN])
@pytest.mark.parametrize("state", ["pending", "copied", "elsewhere", "in use", "not rotated"])
def test_before_a_key_is_put_every_step_succeeds_and_leaves_the_token_in_use(
    step: Step, token: str, state: str
) -> None:
    world = World(key=NO_KEY, token=token)
    version_id = {"elsewhere": "0d0a5a1e-1f5b-4b7a-8a0e-6f6d0a7c9d22", "in use": "first"}.get(state)
    if state == "copied":
        world.prepare(token)
    world.secret.is_rotated = state != "not rotated"

    ending = world.run(step, version_id=version_id or VERSION)

    assert ending == Ending(outcome=Outcome.NO_SIGNING_KEY)
    assert world.in_use() == token
    assert world.secret.versions["first"].labels == {"AWSCURRENT"}
    assert world.apple.tried == []
    assert "put_secret_value" not in world.client.calls


def test_a_rotation_before_a_key_is_put_does_not_block_the_next_one() -> None:
    world = World(key=NO_KEY, token=PLACEHOLDER)
    for step in Step:
        assert world.outcome(step) is Outcome.NO_SIGNING_KEY
    assert world.secret.bearing("AWSPENDING") is None

    world.key.versions["first"].text = KEY
    world.prepare()
    for step in Step:
        world.run(step)

    assert world.in_use() == world.pending() != PLACEHOLDER


@pytest.mark.parametrize(
    ("copied", "outcome"),
    [
        (None, Outcome.NOTHING_TO_TEST),
        (PLACEHOLDER, Outcome.NOTHING_TO_TEST),
        (OLD_TOKEN, Outcome.ACCEPTED),
        ("something else", DeveloperTokenError),
    ],
)
def test_a_schedule_set_later_is_tried_by_testing_alone(
    copied: str | None, outcome: Outcome | type[TokenRotationError]
) -> None:
    world = World()
    world.prepare(copied)

    assert world.outcome(TEST) is outcome
    assert world.apple.tried == [OLD_TOKEN] * (copied == OLD_TOKEN)


@pytest.mark.parametrize("text", [None, PLACEHOLDER, "something else", "a.b.c"])
def test_what_is_no_token_never_comes_into_use(text: str | None) -> None:
    world = World()
    world.prepare(text)
    before = world.holdings()

    with pytest.raises(DeveloperTokenError):
        world.run(FINISH)
    assert (world.holdings(), world.apple.tried) == (before, [])


DAY = 86_400


@pytest.mark.parametrize(
    ("left", "in_use_left", "worth"),
    [
        (60, 0, True),
        (60, 180, True),
        (31, 50, True),
        (30, 50, False),
        (5, 50, False),
        (5, 5, False),
        (5, 4, True),
        (5, -1, True),
        (0, -1, False),
        (-1, -2, False),
        (-1, 50, False),
    ],
)
def test_a_pending_token_is_worth_using_if_it_lasts_to_the_next_rotation_or_longer_than_before(
    left: int, in_use_left: int, worth: bool
) -> None:
    now = FakeClock().time()

    assert worth is is_worth_using(
        now + left * DAY, now + in_use_left * DAY, now=now, life_seconds=60 * DAY
    )


def test_an_old_pending_token_is_given_up_and_the_next_rotation_signs_anew() -> None:
    world = World()
    world.run(CREATE)
    world.clock.advance(55 * DAY)
    world.secret.versions["first"].text = in_use = token_until(world.clock.time() + 50 * DAY)

    assert world.run(CREATE).outcome is Outcome.ALREADY_SIGNED
    assert world.outcome(FINISH) is DeveloperTokenError

    assert world.in_use() == in_use
    assert world.apple.tried == []
    assert world.secret.bearing("AWSPENDING") is None
    assert world.outcome(FINISH) is NotRotatingError
    world.prepare()
    for step in Step:
        world.run(step)
    assert world.in_use() == world.pending() != in_use


@pytest.mark.parametrize("text", [PLACEHOLDER, "something else", token_until(1)])
def test_an_old_pending_token_is_better_than_none(text: str) -> None:
    world = World(token=text)
    world.run(CREATE)
    world.clock.advance(55 * DAY)

    assert world.run(FINISH).outcome is Outcome.IN_USE


def test_a_pending_token_comes_into_use_where_no_version_is() -> None:
    world = World()
    world.run(CREATE)
    world.secret.versions["first"].labels.clear()

    assert world.run(FINISH).outcome is Outcome.IN_USE


@pytest.mark.parametrize("step", list(Step))
def test_a_broken_key_fails_each_step(step: Step) -> None:
    world = World(key=KEY.replace(KEY_ID, "short"))
    before = world.holdings()

    assert world.outcome(step) is SigningKeyError
    assert world.holdings() == before


DOWN = ConnectTimeoutError(endpoint_url="https://secretsmanager.test")


@pytest.mark.parametrize(
    "call",
    ["describe_secret", "get_secret_value", "put_secret_value", "update_secret_version_stage"],
)
@pytest.mark.parametrize("kind", ["down", "denied", "quoting"])
def test_where_secrets_manager_fails_the_token_in_use_stays_and_no_secret_is_told(
    call: str, kind: str
) -> None:
    world = World()
    raised = []
    for step in Step:
        world.client.failing = {
            call: {
                "down": DOWN,
                "denied": ClientError(
                    {"Error": {"Code": "AccessDeniedException", "Message": str(world.pending())}},
                    "AnyOperation",
                ),
                "quoting": ParamValidationError(report=f"value: {world.pending()} {KEY}"),
            }[kind]
        }
        try:
            world.run(step)
        except SecretsManagerError as error:
            raised.append(error)
        world.client.failing = {}
        if step is CREATE:
            world.run(CREATE)

    assert raised
    assert all(error.__suppress_context__ for error in raised)
    assert world.in_use() == OLD_TOKEN or call == "put_secret_value"
    for form in disguises(PEM) | disguises(str(world.pending())):
        assert form not in f"{raised} {[str(error) for error in raised]}"
