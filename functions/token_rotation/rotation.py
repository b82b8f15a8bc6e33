"""The four steps by which Secrets Manager has a developer token renewed."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from functions.shared.transport import Clock
from functions.token_rotation.developer_token import expiry
from functions.token_rotation.errors import (
    DeveloperTokenError,
    NoDeveloperTokenError,
    NoSigningKeyError,
    NotRotatingError,
)
from functions.token_rotation.secret_versions import CURRENT, PENDING, SecretState, SecretVersions
from functions.token_rotation.signing import SigningKey, parse_signing_key, sign_developer_token


class Step(StrEnum):
    """A step, named as Secrets Manager names it in its events."""

    CREATE = "createSecret"
    SET = "setSecret"
    TEST = "testSecret"
    FINISH = "finishSecret"


class Outcome(StrEnum):
    """How a step that did not fail has ended, as it stands in the log."""

    NO_SIGNING_KEY = "no signing key yet"
    ALREADY_IN_USE = "the version is in use already"
    SIGNED = "a new token is signed"
    ALREADY_SIGNED = "the new token is signed already"
    NOTHING_TO_SET = "nothing to set: Apple needs to be told of a key only, not of a token"
    NOTHING_TO_TEST = "nothing to test: no token is pending"
    ACCEPTED = "Apple accepts the new token"
    IN_USE = "the new token is in use"


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    """How a step has ended, and when the token now in use expires if the step put it there."""

    outcome: Outcome
    expires_at: float | None = None


class TokenTrial(Protocol):
    """Tries a token where it is to be used."""

    def try_token(self, token: str) -> None:
        """Return if Apple accepts the token; raise an AppleMusicError if not."""
        ...


class Rotation:
    """Renews the token in one secret by the key in another.

    Each step may be repeated, and may come in any order: it does what is left to do, or raises
    and changes nothing.
    """

    def __init__(
        self,
        *,
        developer_token: SecretVersions,
        signing_key: SecretVersions,
        apple_music: TokenTrial,
        clock: Clock,
        life_seconds: int,
    ) -> None:
        """Sign tokens that live for `life_seconds`."""
        self._developer_token = developer_token
        self._signing_key = signing_key
        self._apple_music = apple_music
        self._clock = clock
        self._life_seconds = life_seconds

    def run(self, step: Step, *, secret_id: str, version_id: str) -> Ending:
        """Take one step towards putting a new token into use as that version of the secret.

        Raises:
            TokenRotationError: where the step cannot be taken; the token in use stays in use.
        """
        state = self._developer_token.state()
        if secret_id not in state.names:
            raise NotRotatingError("the event is about another secret")
        try:
            key = parse_signing_key(self._signing_key.current_text())
        except NoSigningKeyError:
            return self._without_key(step, state, version_id)
        if state.is_rotated and state.has(CURRENT, version_id):
            return Ending(outcome=Outcome.ALREADY_IN_USE)
        _check_pending(state, version_id)
        match step:
            case Step.CREATE:
                return self._create(key, version_id)
            case Step.SET:
                return Ending(outcome=Outcome.NOTHING_TO_SET)
            case Step.TEST:
                return self._test(version_id)
            case Step.FINISH:
                return self._finish(state, version_id)

    def _without_key(self, step: Step, state: SecretState, version_id: str) -> Ending:
        # A version that stays pending would block every later rotation.
        ends = step is Step.FINISH and not state.has(CURRENT, version_id)
        if ends and state.has(PENDING, version_id):
            self._developer_token.end_pending(version_id)
        return Ending(outcome=Outcome.NO_SIGNING_KEY)

    def _create(self, key: SigningKey, version_id: str) -> Ending:
        if self._developer_token.pending_text(version_id) is not None:
            return Ending(outcome=Outcome.ALREADY_SIGNED)
        token = sign_developer_token(key, now=self._clock.time(), life_seconds=self._life_seconds)
        self._developer_token.put_pending(version_id, token)
        return Ending(outcome=Outcome.SIGNED)

    def _test(self, version_id: str) -> Ending:
        text = self._developer_token.pending_text(version_id)
        # A schedule that is set without rotating at once is tried by this step alone, on a version
        # that holds nothing, or a copy of what is in use.
        if text is None:
            return Ending(outcome=Outcome.NOTHING_TO_TEST)
        try:
            expiry(text)
        except NoDeveloperTokenError:
            return Ending(outcome=Outcome.NOTHING_TO_TEST)
        self._apple_music.try_token(text)
        return Ending(outcome=Outcome.ACCEPTED)

    def _finish(self, state: SecretState, version_id: str) -> Ending:
        text = self._developer_token.pending_text(version_id)
        if text is None:
            raise DeveloperTokenError("the pending version holds no token")
        expires_at = expiry(text)
        if not is_worth_using(
            expires_at,
            self._in_use_until(state),
            now=self._clock.time(),
            life_seconds=self._life_seconds,
        ):
            # A version's text cannot be changed: without this one, the next rotation signs anew.
            self._developer_token.end_pending(version_id)
            raise DeveloperTokenError("the pending token is too old: rotate to sign a new one")
        # Again, so that in no order of the steps an untried token comes into use.
        self._apple_music.try_token(text)
        self._developer_token.make_current(version_id, instead_of=state.current())
        return Ending(outcome=Outcome.IN_USE, expires_at=expires_at)

    def _in_use_until(self, state: SecretState) -> float:
        if state.current() is None:
            return 0.0
        try:
            return expiry(self._developer_token.current_text())
        except DeveloperTokenError:
            return 0.0


def is_worth_using(
    expires_at: float, in_use_until: float, *, now: float, life_seconds: int
) -> bool:
    """Whether a pending token should replace the token in use; moments are in epoch seconds.

    It lives until the next rotation, which comes within half of a new token's life, or it outlives
    the token in use.
    """
    return expires_at - now > life_seconds / 2 or expires_at > max(now, in_use_until)


def _check_pending(state: SecretState, version_id: str) -> None:
    if not state.is_rotated:
        raise NotRotatingError("rotation is not enabled for the secret")
    if not state.has(PENDING, version_id):
        raise NotRotatingError("the version is not pending")
