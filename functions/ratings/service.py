"""Assembles the reads and the writes of one Lambda environment."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from random import Random

from functions.ratings.apple.client import AppleClient
from functions.ratings.apple.developer_token import DeveloperTokenSource
from functions.ratings.apple.rejected_tokens import RejectedTokens
from functions.ratings.apple.resilient_client import ResilientClient, Send
from functions.ratings.cache.dynamodb import DynamoDBCache
from functions.ratings.cache.policy import CachePolicy
from functions.ratings.metrics import Observer
from functions.ratings.reads import Reads
from functions.ratings.resilience import CacheBypass
from functions.ratings.writes import Writes
from functions.shared.aws.json_client import AwsCall
from functions.shared.deadline import Clock


@dataclass(frozen=True, slots=True, kw_only=True)
class Dependencies:
    """The services that an environment calls, its time and its metrics."""

    dynamodb: AwsCall
    secrets_manager: AwsCall
    apple_music: Send
    clock: Clock
    sleep: Callable[[float], None]
    random: Random
    observer: Observer


def assemble(
    dependencies: Dependencies, *, table_name: str, secret_id: str, policy: CachePolicy
) -> tuple[Reads, Writes]:
    """Return reads and writes that share a cache, a developer token and the state of Apple."""
    clock, random, observer = dependencies.clock, dependencies.random, dependencies.observer
    cache = DynamoDBCache(
        dependencies.dynamodb,
        table_name=table_name,
        policy=policy,
        clock=clock,
        random=random,
        bypass=CacheBypass(clock, observer),
        observer=observer,
    )
    client = ResilientClient(
        dependencies.apple_music,
        clock=clock,
        sleep=dependencies.sleep,
        random=random,
        observer=observer,
    )
    tokens = DeveloperTokenSource(
        dependencies.secrets_manager, secret_id=secret_id, clock=clock, observer=observer
    )
    apple = AppleClient(client, developer_tokens=tokens, clock=clock, observer=observer)
    rejected = RejectedTokens(clock)
    return (
        Reads(cache=cache, apple=apple, clock=clock, rejected_tokens=rejected),
        Writes(cache=cache, apple=apple, clock=clock, rejected_tokens=rejected),
    )
