"""A broken CDK app: the role of its ratings function may not read the cache.

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
    remaining = tuple(action for action in stack.CACHE_ACTIONS if action != MISSING)
    with patch.object(stack, "CACHE_ACTIONS", remaining):
        compose(app)
    app.synth()
