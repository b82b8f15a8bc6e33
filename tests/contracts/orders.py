"""Runs reads and writes in many orders; each order yields its violations of the promises."""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import replace
from functools import partial
from typing import Final

from functions.ratings.errors import AppleUnavailableError
from functions.ratings.models import RatingKey
from tests.contracts.coherence import CATALOG_NEIGHBOUR, World
from tests.contracts.interleaving import Operation, interleavings
from tests.fakes.apple_music import Value
from tests.fakes.ratings_function import CATALOG_SONG, POLICY, SONG

LAGS: Final = (0.0, 1.0, 4.0)
"""A read at Apple returns the ratings of this many seconds ago."""

SKEWS: Final = ((0.0,), (0.5, -0.5), (-0.5, 0.5))
"""How far the clocks of a run's environments are ahead, in seconds."""

LOSSES: Final = 0.1
"""How often, in a random run, the response to a write is lost and the write takes effect late."""

PATIENT: Final = replace(POLICY, fresh_seconds=600)
"""Ratings stay fresh until the end of a run, so that an old rating is detected."""

KINDS: Final = (
    *("like", "dislike", "delete", "like neighbour", "write several"),
    *("read", "read list", "read neighbour", "read catalog list"),
)
"""The actions from which a random run chooses its operations."""

_EFFECTS: Final = {"like": 4, "dislike": 4, "delete": 4, "read": 3, "read list": 3}
"""The maximum number of effects of each operation that may die, if no call is resent."""

Violations = Iterable[list[str]]
Run = Callable[[], Violations]
Worlds = Callable[..., World]


def violations_in(runs: Violations, *, min_runs: int) -> list[list[str]]:
    """Return the runs with violations; fail if there are fewer than `min_runs` runs."""
    all_runs = list(runs)
    assert len(all_runs) >= min_runs, len(all_runs)
    return [violations for violations in all_runs if violations]


def orders(
    *kinds: str,
    lag: float = 4.0,
    skews: Collection[float] = (0.0,),
    resent: Collection[str] = (),
    dying: int = 0,
    every: bool = False,
    worlds: Worlds = World,
) -> Run:
    """Return a function that calls `violations_of` with these arguments."""
    worlds = partial(worlds, lag=lag, skews=skews, resent=resent)
    return partial(violations_of, worlds, *kinds, dying=dying, every=every)


def violations_of(
    worlds: Callable[[], World], *kinds: str, dying: int = 0, every: bool = False
) -> Iterator[list[str]]:
    """Run the operations in each order, and yield the violations of each order.

    The first `dying` operations are also run with a crash after 0, 1, 2 ... effects. Unless `every`
    is true, only one of the orders with the same result is run.
    """
    deaths = [(None, *range(_EFFECTS[kind])) for kind in kinds[:dying]]
    world: World

    def start(dies_after: tuple[int | None, ...]) -> dict[str, Operation]:
        nonlocal world
        world = worlds()
        world.write(-1)
        world.clock.advance(POLICY.fresh_seconds + 6.125)
        operations = itertools.zip_longest(kinds, dies_after)
        return {f"{number}": world.operation(*each) for number, each in enumerate(operations)}

    def check() -> None:
        world.check()

    for dies_after in itertools.product(*deaths):
        for _ in interleavings(partial(start, dies_after), every=every, after_each=check):
            yield world.run_out(5.125, 49.0)


def random_run(world: World, chance: random.Random, bursts: int) -> list[str]:
    """Run `bursts` of one to three concurrent operations, with crashes and lost responses."""
    for _ in range(bursts):
        running = []
        for _ in range(chance.randint(1, 3)):
            world.resent = chance.choice(((), (), (), ("open",), ("close",), ("open", "store")))
            dies_after = chance.choice((None, None, None, chance.randrange(5)))
            running.append(world.operation(chance.choice(KINDS), dies_after))
        while running := [each for each in running if each.next_step is not None]:
            chance.choice(running).advance()
            world.clock.advance(chance.choice((0.0, 0.0, 0.125)))
            world.apple.lag = chance.choice(LAGS)
            world.check()
        if chance.random() < LOSSES:
            world.lose(chance.choice((1, -1)), chance.choice((0.0, 3.0, 30.0)))
        world.clock.advance(chance.choice((0.0, 0.5, 2.0, 4.5, 7.0)))
        world.check()
    return world.run_out(6.0, 61.0)


def random_runs(seeds: Iterable[int], worlds: Worlds = World) -> Violations:
    for seed in seeds:
        chance = random.Random(seed)
        skews = chance.choice(SKEWS)
        world = worlds(lag=chance.choice(LAGS), skews=skews, policy=PATIENT)
        yield random_run(world, chance, chance.randint(2, 6))


def ten_writes_in_a_row() -> Violations:
    """After each of 12 writes in a row, a read returns the last ten written values."""
    songs: list[tuple[RatingKey, Value]] = [(RatingKey("songs", f"{n}"), 1) for n in range(12)]
    for lag in LAGS:
        for skews in SKEWS:
            for pause_seconds in (0.125, 0.5):
                world = World(lag=lag, skews=skews)
                world.write_all(*songs, pause_seconds=pause_seconds)
                world.check_reads()
                yield world.run_out(5.0)


def a_song_rated_again_and_again() -> Violations:
    for lag in LAGS:
        world = World(lag=lag)
        values: list[Value] = [1, None, 1, -1, None]
        world.write_all(*((SONG, value) for value in values), pause_seconds=0.25)
        yield world.run_out(5.0)


def a_write_of_a_song_by_another_id() -> Violations:
    """A song's old rating does not return when another song's rating is stored in its bucket."""
    world = World(lag=1.0)
    world.read(CATALOG_SONG)
    world.write(1, SONG)
    world.clock.advance(5.125)
    world.read(CATALOG_NEIGHBOUR)
    yield world.run_out(1.0)


def a_late_effect_of_a_lost_write() -> Violations:
    world = World(lag=1.0)
    world.lose(1, 30.0)
    yield world.run_out(6.0, 30.0)


def a_failure_of_apple_after_a_change_elsewhere() -> Violations:
    """If Apple fails, no stale copy is older than a value that a read has already returned."""
    world = World(lag=1.0)
    world.write(1)
    world.clock.advance(5.125)
    world.rate_elsewhere(-1)
    world.clock.advance(60.0)
    world.check_reads()
    world.apple.fail_with(AppleUnavailableError)
    world.clock.advance(61.0)
    world.check_reads()
    yield world.violations
