"""Measures all variants in each round, so that a slow moment of the machine affects them all."""

from __future__ import annotations

import json
import random
import sys
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from bench.processes import Event, Function, FunctionFailedError, Launcher, Report
from bench.variants import BARE_BOTOCORE, PROJECT, Variant

SONG: Final = "i.7PJNN4mfXlD68R"

_SONGS: Final = tuple(f"i.7PJNN4mfXl{number:03d}" for number in range(100))
_EVENTS: Final = Path(__file__).with_name("events.json").read_text("utf-8")
_COUNTED_HITS: Final = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Effort:
    """The rounds of each kind, and how many `hits` and `misses` each warm round has."""

    cold_rounds: int = 21
    warm_rounds: int = 31
    many_rounds: int = 21
    hits: int = 40
    misses: int = 8


@dataclass(slots=True)
class Measurement:
    """The times and counts of one variant.

    `times` are in seconds, one value per round: the same index of two variants is the same round.
    The keys end in `_wall` and `_cpu`. `instructions` counts a start with its first hit.
    """

    zip_bytes: int = 0
    peak_memory_bytes: int = 0
    times: dict[str, list[float]] = field(default_factory=dict)
    counts: dict[str, int] = field(default_factory=dict)
    instructions: int | None = None
    hit_instructions: float | None = None

    def add(self, name: str, wall: float, cpu: float) -> None:
        """Append the times of one round."""
        self.times.setdefault(f"{name}_wall", []).append(wall)
        self.times.setdefault(f"{name}_cpu", []).append(cpu)


def single_event(song: str) -> Event:
    """Return API Gateway's event for a GET of one library song."""
    event: Event = json.loads(_EVENTS.replace("SONG", song))["one"]
    return event


def list_event(songs: Sequence[str]) -> Event:
    """Return API Gateway's event for a GET of a list of library songs."""
    event: Event = json.loads(_EVENTS.replace("IDS", ",".join(songs)))["many"]
    return event


def measure(launcher: Launcher, effort: Effort, *, instructions: bool) -> Mapping[str, Measurement]:
    """Return all measurements by variant name."""
    measured = {
        variant: Measurement(zip_bytes=bundle.zip_bytes)
        for variant, bundle in launcher.bundles.items()
    }
    for variant, into in measured.items():
        _print(f"Inspecting {variant.name}…")
        into.counts = inspect(launcher, variant)
    _measure_starts(launcher, measured, effort)
    _measure_requests(launcher, measured, effort)
    if instructions:
        _count_instructions(launcher, measured)
    return {variant.name: measurement for variant, measurement in measured.items()}


def inspect(launcher: Launcher, variant: Variant) -> dict[str, int]:
    """Count the operations of a miss, of a warm hit, and of a start with its first hit.

    The counts do not vary. Afterwards the cache contains the rating of `SONG`.
    """
    with launcher.start(variant) as function:
        function.handle([single_event(SONG)])
    with launcher.start(variant, inspect=True) as function:
        first = function.handle([single_event(SONG)])
        hit = function.handle([single_event(SONG)])
        hit_log = function.log_of(hit)
        miss_log = function.log_of(function.handle([single_event("i.inspected")]))
    init, warm = first["init"]["counts"], hit["counts"]
    start = {name: init[name] + first["counts"][name] for name in init}
    return {
        "modules_imported": first["init"]["modules"],
        "modules_compiled": start["compiled"],
        "files_opened": start["opened"],
        "hit_handshakes": warm["handshakes"],
        "hit_ca_loads": warm["ca_loads"],
        "hit_files_opened": warm["opened"],
        "hit_log_bytes": len(hit_log),
        "hit_log_events": hit_log.count(b"\n"),
        "miss_log_bytes": len(miss_log),
    }


_Measured = Mapping[Variant, Measurement]


def _measure_starts(launcher: Launcher, measured: _Measured, effort: Effort) -> None:
    for variants in _rounds("Cold", effort.cold_rounds, measured):
        for variant in variants:
            report = _require_cache(launcher.cold_start(variant, single_event(SONG)))
            wall = report["ended_at"] - report["started_at"]
            measured[variant].add("cold", wall, report["cpu_since_start"])


def _measure_requests(launcher: Launcher, measured: _Measured, effort: Effort) -> None:
    with ExitStack() as stack:
        functions = {variant: stack.enter_context(launcher.start(variant)) for variant in measured}
        for function in functions.values():
            function.handle([single_event(SONG)] * 2 * effort.hits)
            function.handle([single_event("i.warm")])
        for number, variants in enumerate(_rounds("Warm", effort.warm_rounds, measured)):
            hits = [single_event(SONG)] * effort.hits
            misses = [single_event(f"i.{number}x{miss}") for miss in range(effort.misses)]
            for variant in variants:
                _batch(functions[variant], hits, "hit", measured[variant])
            for variant in variants:
                report = _batch(functions[variant], misses, "miss", measured[variant])
                measured[variant].peak_memory_bytes = report["peak_memory"]
        for variant, function in functions.items():
            if variant.name == PROJECT:
                _measure_many(function, measured[variant], effort.many_rounds)


def _measure_many(function: Function, into: Measurement, rounds: int) -> None:
    _print("A list of 100 and 100 single hits…")
    listed, singles = [list_event(_SONGS)], [single_event(song) for song in _SONGS]
    function.handle([*listed, *singles])
    for _ in range(rounds):
        _batch(function, listed, "many", into)
        _batch(function, singles, "single", into)


def _count_instructions(launcher: Launcher, measured: _Measured) -> None:
    """Count the instructions of each start, and for two variants also those of a hit."""
    hit = single_event(SONG)
    for variant, into in measured.items():
        _print(f"Counting the instructions of {variant.name}…")
        into.instructions = launcher.count_instructions(variant, [hit])
        if variant.name in {PROJECT, BARE_BOTOCORE}:
            hits = launcher.count_instructions(variant, [hit] * (1 + _COUNTED_HITS))
            into.hit_instructions = (hits - into.instructions) / _COUNTED_HITS


def _rounds(kind: str, count: int, variants: _Measured) -> list[list[Variant]]:
    """Print that the rounds begin, and return the variants of each round in a random order."""
    _print(f"{kind}: {count} rounds of {len(variants)} variants…")
    order = random.Random(kind)  # noqa: S311 - not a secret
    return [order.sample(list(variants), len(variants)) for _ in range(count)]


def _batch(function: Function, events: Sequence[Event], name: str, into: Measurement) -> Report:
    """Handle events, and append the average times of one event to `into`."""
    report = _require_cache(function.handle(events))
    into.add(name, report["wall"] / len(events), report["cpu"] / len(events))
    return report


def _require_cache(report: Report) -> Report:
    headers: Mapping[str, str] = report["last"].get("headers") or {}
    if "fwd=bypass" in headers.get("Cache-Status", ""):
        raise FunctionFailedError(f"the cache was bypassed: {report['last']}")
    return report


def _print(text: str) -> None:
    sys.stderr.write(text + "\n")
    sys.stderr.flush()
