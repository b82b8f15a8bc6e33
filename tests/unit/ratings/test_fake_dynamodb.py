import pytest

from functions.ratings.response_cache import DynamoDBResponseCache
from tests.contracts.response_cache import POLICY, ResponseCacheContract
from tests.fakes.dynamodb import FakeDynamoDB


class TestFakeDynamoDB(ResponseCacheContract):
    @pytest.fixture
    def cache(self) -> DynamoDBResponseCache:
        return DynamoDBResponseCache(client=FakeDynamoDB(), table_name="ratings", policy=POLICY)
