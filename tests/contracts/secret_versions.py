"""What Secrets Manager does with a secret's versions while it is rotated."""

from __future__ import annotations

import pytest

from functions.token_rotation.errors import SecretsManagerError
from functions.token_rotation.secret_versions import SecretVersions

SECRET = "developer-token"
FIRST_TEXT = "first.token.text"
VERSION = "5f9d5cf5-7b5e-4a32-9b51-3f1f7c0e3b11"
OTHER = "0d0a5a1e-1f5b-4b7a-8a0e-6f6d0a7c9d22"


class SecretVersionsContract:
    """Inherit, and give a fixture `secret`: with FIRST_TEXT in use, and VERSION pending, empty."""

    def test_the_version_that_is_prepared_is_pending_and_empty(
        self, secret: SecretVersions
    ) -> None:
        state = secret.state()

        assert state.is_rotated
        assert SECRET in state.names
        assert state.has("AWSPENDING", VERSION)
        assert not state.has("AWSCURRENT", VERSION)
        assert secret.pending_text(VERSION) is None
        assert secret.current_text() == FIRST_TEXT

    def test_a_version_that_is_not_there_has_neither_label_nor_text(
        self, secret: SecretVersions
    ) -> None:
        assert not secret.state().has("AWSPENDING", OTHER)
        assert secret.pending_text(OTHER) is None

    def test_a_filled_version_is_pending_and_leaves_the_one_in_use_alone(
        self, secret: SecretVersions
    ) -> None:
        first = secret.state().current()

        secret.put_pending(VERSION, "second.token.text")

        assert secret.pending_text(VERSION) == "second.token.text"
        assert secret.current_text() == FIRST_TEXT
        assert secret.state().current() == first

    def test_a_version_comes_into_use_and_the_one_before_becomes_the_previous_one(
        self, secret: SecretVersions
    ) -> None:
        first = secret.state().current()
        secret.put_pending(VERSION, "second.token.text")

        secret.make_current(VERSION, instead_of=first)

        state = secret.state()
        assert first is not None
        assert secret.current_text() == "second.token.text"
        assert state.current() == VERSION
        assert "AWSPREVIOUS" in state.labels[first]
        assert "AWSCURRENT" not in state.labels[first]

    def test_in_use_is_not_taken_from_a_version_that_is_not(self, secret: SecretVersions) -> None:
        secret.put_pending(VERSION, "second.token.text")

        for wrong in (VERSION, OTHER, None):
            with pytest.raises(SecretsManagerError):
                secret.make_current(VERSION, instead_of=wrong)

        assert secret.current_text() == FIRST_TEXT

    def test_a_version_that_will_not_be_filled_stops_being_pending(
        self, secret: SecretVersions
    ) -> None:
        secret.end_pending(VERSION)

        assert not secret.state().has("AWSPENDING", VERSION)
        assert secret.current_text() == FIRST_TEXT
