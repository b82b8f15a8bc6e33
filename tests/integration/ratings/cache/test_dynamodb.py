from typing import TYPE_CHECKING

import pytest

from tests.contracts.cache import CacheContract, CheckedCache
from tests.fakes.boto3_service import Boto3Service

if TYPE_CHECKING:
    from types_boto3_dynamodb import DynamoDBClient


class TestMotoDynamoDB(CacheContract):
    @pytest.fixture
    def cache(self, dynamodb: "DynamoDBClient") -> CheckedCache:
        return CheckedCache(Boto3Service(dynamodb).call)
