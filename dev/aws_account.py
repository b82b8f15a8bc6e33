"""The made-up AWS account on this machine, and the environment variables that select it."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Final

REGION: Final = "us-east-1"
ACCOUNT_ID: Final = "123456789012"


def isolated(inherited: Mapping[str, str], *, credential: str) -> dict[str, str]:
    """Return environment variables that keep AWS's SDKs away from the developer's own account.

    `credential` is both the access key id and the secret key. Other `AWS_` variables are removed.
    """
    return {
        **{name: value for name, value in inherited.items() if not name.startswith("AWS_")},
        "AWS_ACCESS_KEY_ID": credential,
        "AWS_SECRET_ACCESS_KEY": credential,
        "AWS_REGION": REGION,
        "AWS_DEFAULT_REGION": REGION,
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
    }
