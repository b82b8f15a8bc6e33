"""A simulated Lambda environment: the function's own classes call models of the services."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from functools import partial
from random import Random
from typing import Any, Final

from bench.fleet.events import EventLoop
from bench.fleet.services import AppleMusic, DynamoDB, SecretsManager
from functions.ratings.cache.policy import CachePolicy
from functions.ratings.metrics import Metric
from functions.ratings.reads import Reads
from functions.ratings.service import Dependencies, assemble
from functions.ratings.settings import Settings
from functions.ratings.writes import Writes

_DEFAULTS: Final[Mapping[str, Any]] = {each.name: each.default for each in fields(Settings)}
POLICY: Final = CachePolicy(**{each.name: _DEFAULTS[each.name] for each in fields(CachePolicy)})


@dataclass(eq=False, slots=True)
class Environment:
    """A Lambda environment; `is_started` becomes true at the end of its start."""

    number: int
    reads: Reads
    writes: Writes
    is_started: bool = False


class _NoObserver:
    def count(self, metric: Metric, *, times: int = 1, reason: str = "") -> None: ...

    def measure(self, metric: Metric, milliseconds: float) -> None: ...


def new_environment(
    number: int,
    clock: EventLoop,
    random: Random,
    apple_music: AppleMusic,
    secrets: SecretsManager,
    dynamodb: DynamoDB,
) -> Environment:
    """Assemble an environment as the function's handler does."""
    reads, writes = assemble(
        Dependencies(
            dynamodb=partial(dynamodb.call, number),
            secrets_manager=partial(secrets.call, number),
            apple_music=partial(apple_music.send, number),
            clock=clock,
            sleep=clock.sleep,
            random=random,
            observer=_NoObserver(),
        ),
        table_name="cache",
        secret_id="secret",  # noqa: S106 - a name
        policy=POLICY,
    )
    return Environment(number, reads, writes)
