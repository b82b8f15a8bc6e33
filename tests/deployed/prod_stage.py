"""The stage `prod` for the emulator: its template, but with the URLs of this machine.

`cdk deploy --app 'python -m tests.deployed.prod_stage'` deploys it. With the option `--broken`,
its ratings function reaches no Apple Music. `--authorizer ARN` makes the function with this ARN
the authorizer.
"""

from __future__ import annotations

import platform
import sys
from dataclasses import replace

from aws_cdk import App

from app import compose_stage
from infra.local_context import CONTEXT_KEY
from infra.optional_features import LambdaAuthorizer
from infra.stages import STAGES, local_stage

UNREACHABLE = "http://127.0.0.1:1"


def main(arguments: list[str]) -> None:
    app = App()
    local = local_stage(app.node.try_get_context(CONTEXT_KEY), machine=platform.machine())
    settings = replace(
        STAGES["prod"],
        architecture=local.architecture,
        apple_music_url=UNREACHABLE if "--broken" in arguments else local.apple_music_url,
        emulator_url=local.emulator_url,
        cache_timeout_milliseconds=local.cache_timeout_milliseconds,
    )
    if "--authorizer" in arguments:
        settings = replace(settings, authorizer=LambdaAuthorizer(function_arn=arguments[-1]))
    compose_stage(app, settings)
    app.synth()


if __name__ == "__main__":
    main(sys.argv[1:])
