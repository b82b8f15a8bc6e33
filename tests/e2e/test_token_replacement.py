"""The developer token is replaced and its key revoked, and no request fails."""

from __future__ import annotations

import time
from contextlib import closing

import pytest

from dev.apple_music.developer_key import DeveloperKey
from dev.apple_music.launcher import launch
from tests.e2e.running_service import RunningService
from tests.patience import SAFETY_NET_SECONDS
from tests.traffic import traffic

EVE = "made-up-token-eve"
READERS = 4
REREAD_SECONDS = 10
"""The ratings function rereads the secret at most once in this time."""


@pytest.mark.long
def test_a_key_is_revoked_after_its_token_was_replaced_and_no_request_fails() -> None:
    second = DeveloperKey.generate("LOCALKEY02")
    with (
        launch({EVE: {}}) as apple,
        RunningService.over(apple) as service,
        traffic(service, EVE, threads=READERS) as requests,
    ):
        apple.apple_music.trust(second)
        # After this time, every process may reread the secret.
        time.sleep(REREAD_SECONDS + 2)
        with closing(service.aws.client("secretsmanager")) as secrets:
            secrets.put_secret_value(
                SecretId=service.state.developer_token_secret, SecretString=second.sign_token()
            )
        apple.apple_music.revoke(apple.key)
        before = requests.count
        end = time.monotonic() + SAFETY_NET_SECONDS
        while requests.count < before + 10 * READERS and time.monotonic() < end:
            time.sleep(0.05)
    assert requests.failures == []
    assert requests.count >= before + 10 * READERS
