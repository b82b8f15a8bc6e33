import pytest

from tests.contracts.response_cache import POLICY, ResponseCacheContract
from tests.fakes.response_cache import FakeResponseCache


class TestFakeResponseCache(ResponseCacheContract):
    @pytest.fixture
    def cache(self) -> FakeResponseCache:
        return FakeResponseCache(POLICY)
