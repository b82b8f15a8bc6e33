"""The app as someone would break it: its ratings function may no longer read the cache.

`cdk deploy --app 'python -m tests.deployed.without_a_grant'` deploys it.
"""

from __future__ import annotations

from unittest.mock import patch

from aws_cdk import App

from app import compose
from infra import stack

MISSING = "dynamodb:BatchGetItem"

if __name__ == "__main__":
    app = App()
    left = tuple(action for action in stack.CACHE_ACTIONS if action != MISSING)
    with patch.object(stack, "CACHE_ACTIONS", left):
        compose(app)
    app.synth()
