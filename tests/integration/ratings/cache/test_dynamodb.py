from typing import TYPE_CHECKING

import pytest

from tests.contracts.cache_ratings import RatingsContract
from tests.contracts.cache_writes import WritesContract
from tests.contracts.checked_cache import CheckedCache
from tests.fakes.boto3_service import Boto3Service

if TYPE_CHECKING:
    from types_boto3_dynamodb import DynamoDBClient


class TestMotoDynamoDB(RatingsContract, WritesContract):
    @pytest.fixture
    def cache(self, dynamodb: "DynamoDBClient") -> CheckedCache:
        return CheckedCache(Boto3Service(dynamodb).call)
