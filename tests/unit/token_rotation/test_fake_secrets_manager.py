from typing import Any, cast

import pytest

from functions.token_rotation.secret_versions import SecretVersions
from tests.contracts.secret_versions import (
    FIRST_TEXT,
    SECRET,
    VERSION,
    SecretVersionsContract,
)
from tests.fakes.secrets_manager import FakeSecretsManager, Version


class TestFakeSecretsManager(SecretVersionsContract):
    @pytest.fixture
    def secret(self) -> SecretVersions:
        client = FakeSecretsManager()
        client.create(SECRET, FIRST_TEXT).versions[VERSION] = Version(None, {"AWSPENDING"})
        return SecretVersions(client=cast("Any", client), secret_id=SECRET)
