"""The four steps in which Secrets Manager rotates a developer token."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from functions.shared.deadline import Clock
from functions.shared.signing import (
    NoSigningKeyError,
    SigningKey,
    parse_signing_key,
    sign_developer_token,
)
from functions.token_rotation.developer_token import expiry, is_placeholder
from functions.token_rotation.errors import (
    DeveloperTokenError,
    NotRotatingError,
)
from functions.token_rotation.secret_versions import CURRENT, PENDING, SecretState, SecretVersions


class Step(StrEnum):
    """A step, named as in Secrets Manager's events."""

    CREATE = "createSecret"
    SET = "setSecret"
    TEST = "testSecret"
    FINISH = "finishSecret"


class Outcome(StrEnum):
    """The log message of a step that succeeded."""

    NO_SIGNING_KEY = "no signing key yet"
    ALREADY_IN_USE = "the version is already in use"
    SIGNED = "signed a new token"
    ALREADY_SIGNED = "the new token is already signed"
    NOTHING_TO_SET = "nothing to set: Apple knows the key and needs no copy of the token"
    NOTHING_TO_TEST = "nothing to test: no token is pending"
    ACCEPTED = "Apple accepts the new token"
    IN_USE = "the new token is in use"


class StepResult(NamedTuple):
    """A step's outcome; `expires_at` (epoch seconds) is set if the step put a token into use."""

    outcome: Outcome
    expires_at: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Rotation:
    """Replaces the token in one secret; another secret has the key that signs the new token.

    A new token expires after `life_seconds`. `check_token` raises a TokenRotationError unless Apple
    accepts a token. Each step may be repeated and may come in any order: it does its remaining
    work, or raises a TokenRotationError or a SigningKeyError and leaves the token in use.
    """

    developer_token: SecretVersions
    signing_key: SecretVersions
    check_token: Callable[[str], None]
    clock: Clock
    life_seconds: int

    def run(self, step: Step, *, secret_id: str, version_id: str) -> StepResult:
        """Run one step for one version of the secret; raise if the step fails."""
        state = self.developer_token.state()
        if secret_id not in state.names:
            raise NotRotatingError("the event is about another secret")
        try:
            key = parse_signing_key(self.signing_key.current_text())
        except NoSigningKeyError:
            return self._run_without_key(step, state, version_id)
        if not state.rotation_enabled:
            raise NotRotatingError("rotation is not enabled for the secret")
        if state.has(CURRENT, version_id):
            return StepResult(Outcome.ALREADY_IN_USE)
        if not state.has(PENDING, version_id):
            raise NotRotatingError("the version is not pending")
        match step:
            case Step.CREATE:
                return self._create(key, version_id)
            case Step.SET:
                return StepResult(Outcome.NOTHING_TO_SET)
            case Step.TEST:
                return self._test(version_id)
            case Step.FINISH:
                return self._finish(state, version_id)

    def _run_without_key(self, step: Step, state: SecretState, version_id: str) -> StepResult:
        # A version that stays pending would block every later rotation.
        is_pending = state.has(PENDING, version_id) and not state.has(CURRENT, version_id)
        if step is Step.FINISH and is_pending:
            self.developer_token.end_pending(version_id)
        return StepResult(Outcome.NO_SIGNING_KEY)

    def _create(self, key: SigningKey, version_id: str) -> StepResult:
        if self.developer_token.pending_text(version_id) is not None:
            return StepResult(Outcome.ALREADY_SIGNED)
        token = sign_developer_token(key, now=self.clock.time(), life_seconds=self.life_seconds)
        self.developer_token.set_pending(version_id, token)
        return StepResult(Outcome.SIGNED)

    def _test(self, version_id: str) -> StepResult:
        text = self.developer_token.pending_text(version_id)
        # If rotation is configured without a rotation at once, Secrets Manager runs only this step
        # as a check, on a version that is empty or a copy of the version in use.
        if text is None or is_placeholder(text):
            return StepResult(Outcome.NOTHING_TO_TEST)
        expiry(text)
        self.check_token(text)
        return StepResult(Outcome.ACCEPTED)

    def _finish(self, state: SecretState, version_id: str) -> StepResult:
        text = self.developer_token.pending_text(version_id)
        if text is None:
            raise DeveloperTokenError("the pending version holds no token")
        expires_at = expiry(text)
        now = self.clock.time()
        in_use_until = self._in_use_until(state)
        if not is_worth_using(expires_at - now, in_use_until - now, self.life_seconds):
            # A version's text cannot be changed. Without this version, the next rotation signs
            # a new token.
            self.developer_token.end_pending(version_id)
            raise DeveloperTokenError("the pending token is too old: rotate to sign a new one")
        # Checked again, so that no order of steps puts an unchecked token into use (decision 0020).
        self.check_token(text)
        self.developer_token.make_current(version_id, instead_of=state.current())
        return StepResult(Outcome.IN_USE, expires_at)

    def _in_use_until(self, state: SecretState) -> float:
        try:
            return expiry(self.developer_token.current_text()) if state.current() else 0.0
        except DeveloperTokenError:
            return 0.0


def is_worth_using(left: float, in_use_left: float, life_seconds: float) -> bool:
    """Return whether a pending token should replace the token in use.

    `left` and `in_use_left` are the seconds until the tokens expire. The pending token must last
    for half of a new token's lifetime, within which the next rotation comes, or longer than the
    token in use.
    """
    return left > life_seconds / 2 or left > max(0, in_use_left)
