"""A simulated Lambda environment: the function's own classes call models of the services."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from functools import partial
from random import Random
from typing import Any, Final

from bench.fleet.events import EventLoop
from bench.fleet.services import AppleMusic, DynamoDB, SecretsManager
from functions.ratings.apple.client import AppleClient
from functions.ratings.apple.developer_token import DeveloperTokenSource
from functions.ratings.apple.rejected_tokens import RejectedTokens
from functions.ratings.apple.resilient_client import ResilientClient
from functions.ratings.cache.dynamodb import DynamoDBCache
from functions.ratings.cache.policy import CachePolicy
from functions.ratings.metrics import Metric
from functions.ratings.reads import Reads
from functions.ratings.resilience import CacheBypass
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
    """Assemble an environment from the same classes as the function's handler."""
    observer = _NoObserver()
    cache = DynamoDBCache(
        partial(dynamodb.call, number),
        table_name="cache",
        policy=POLICY,
        clock=clock,
        random=random,
        bypass=CacheBypass(clock, observer),
        observer=observer,
    )
    apple = AppleClient(
        ResilientClient(
            partial(apple_music.send, number),
            clock=clock,
            sleep=clock.sleep,
            random=random,
            observer=observer,
        ),
        developer_tokens=DeveloperTokenSource(
            partial(secrets.call, number),
            secret_id="secret",  # noqa: S106 - a name
            clock=clock,
            observer=observer,
        ),
        clock=clock,
        observer=observer,
    )
    rejected = RejectedTokens(clock)
    reads = Reads(cache=cache, apple=apple, clock=clock, rejected_tokens=rejected)
    writes = Writes(cache=cache, apple=apple, clock=clock, rejected_tokens=rejected)
    return Environment(number, reads, writes)
