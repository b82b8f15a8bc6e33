import boto3
import pytest

from functions.token_rotation.secret_versions import SecretVersions
from tests.contracts.secret_versions import (
    FIRST_TEXT,
    SECRET,
    VERSION,
    SecretVersionsContract,
)
from tests.integration.token_rotation.secrets import prepare_version


class TestSecretsManager(SecretVersionsContract):
    @pytest.fixture
    def secret(self, aws: None) -> SecretVersions:
        client = boto3.client("secretsmanager")
        client.create_secret(Name=SECRET, SecretString=FIRST_TEXT)
        prepare_version(SECRET, VERSION)
        return SecretVersions(client=client, secret_id=SECRET)
