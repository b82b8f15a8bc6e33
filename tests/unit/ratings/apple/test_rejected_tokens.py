from contextlib import nullcontext

import pytest

from functions.ratings.apple.rejected_tokens import RejectedTokens
from functions.ratings.errors import UserTokenRejectedError
from functions.ratings.models import MusicUserToken
from tests.fakes.clock import FakeClock


def test_the_thousand_tokens_that_apple_rejected_last_are_remembered() -> None:
    rejected = RejectedTokens(FakeClock())
    for number in (*range(1000), 0, 1000):
        rejected.remember(MusicUserToken(str(number)))

    for number in range(1001):
        with nullcontext() if number == 1 else pytest.raises(UserTokenRejectedError):
            rejected.check(MusicUserToken(str(number)))
