"""Measures the contestants in rounds, so that what slows the machine down slows all of them."""

from __future__ import annotations

import os
import random
import sys
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from bench import events
from bench.bundles import Bundle
from bench.contestants import BARE_BOTOCORE, PROJECT, Contestant
from bench.lambda_python import LambdaPython
from bench.measured import Measured
from bench.processes import (
    CannedServices,
    Cores,
    FunctionFailedError,
    Report,
    RunningFunction,
    canned_services,
    pinned,
    running,
    start_and_answer,
)

SONG: Final = "i.7PJNN4mfXlD68R"
SONGS: Final = tuple(f"i.7PJNN4mfXl{number:03d}" for number in range(100))

_TRIES: Final = 3
_COUNTED: Final = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Effort:
    """How much is measured: rounds of starts and of batches, and the requests of a batch."""

    cold_rounds: int = 21
    warm_rounds: int = 31
    many_rounds: int = 21
    hits: int = 40
    misses: int = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Bench:
    """What there is to measure, and with what."""

    bundles: Mapping[Contestant, Bundle]
    python: LambdaPython
    cores: Cores
    effort: Effort

    def run(self, *, instructions: bool) -> dict[str, Measured]:
        """Measure everything; by the contestants' names."""
        measured = {
            contestant.name: Measured(zip_bytes=bundle.zip_bytes)
            for contestant, bundle in self.bundles.items()
        }
        with canned_services(self.cores) as services, pinned(self.cores.functions):
            for contestant, bundle in self.bundles.items():
                _say(f"Looking at {contestant.name}…")
                measured[contestant.name].counts = look_at(
                    contestant, bundle, python=self.python, services=services
                )
            self._measure_starts(measured, services)
            self._measure_requests(measured, services)
            if instructions:
                self._count_instructions(measured, services)
        return measured

    def _count_instructions(
        self, measured: Mapping[str, Measured], services: CannedServices
    ) -> None:
        """Count those of a start, and for two contestants, of a warm request by the difference."""

        def count(contestant: Contestant, handed: Sequence[events.Event]) -> int:
            bundle = self.bundles[contestant]
            return count_instructions(
                contestant, bundle, handed, python=self.python, services=services
            )

        hit = events.one(SONG)
        for contestant in self.bundles:
            _say(f"Counting the instructions of {contestant.name}…")
            into = measured[contestant.name]
            into.instructions = count(contestant, [hit])
            if contestant.name in (PROJECT, BARE_BOTOCORE):
                hits = count(contestant, [hit] * (1 + _COUNTED))
                into.hit_instructions = (hits - into.instructions) / _COUNTED

    def _measure_starts(self, measured: Mapping[str, Measured], services: CannedServices) -> None:
        for contestants in self._rounds("Cold", self.effort.cold_rounds):
            for contestant in contestants:
                report = self._start(contestant, services)
                into = measured[contestant.name]
                into.cold_wall.append(report["answered_at"] - report["started_at"])
                into.cold_cpu.append(report["cpu_since_start"])
                into.cold_memory.append(report["peak_memory"])
                into.init_wall.append(report["init"]["imported_at"] - report["started_at"])

    def _start(self, contestant: Contestant, services: CannedServices) -> Report:
        tries = 0
        while True:
            tries += 1
            report = start_and_answer(
                contestant,
                self.bundles[contestant],
                events.one(SONG),
                python=self.python,
                services=services,
            )
            if not _fell_back(report):
                return report
            if tries == _TRIES:
                raise FunctionFailedError(f"{contestant.name} had no hit: {report['last']}")

    def _measure_requests(self, measured: Mapping[str, Measured], services: CannedServices) -> None:
        with ExitStack() as stack:
            functions = {
                contestant: stack.enter_context(
                    running(contestant, bundle, python=self.python, services=services)
                )
                for contestant, bundle in self.bundles.items()
            }
            for function in functions.values():
                function.answer([events.one(SONG)] * 2 * self.effort.hits)
                function.answer([events.one("i.warm")])
            for number, contestants in enumerate(self._rounds("Warm", self.effort.warm_rounds)):
                for contestant in contestants:
                    function, into = functions[contestant], measured[contestant.name]
                    hits = [events.one(SONG)] * self.effort.hits
                    _keep(function.answer(hits), hits, into.hit_wall, into.hit_cpu)
                for contestant in contestants:
                    function, into = functions[contestant], measured[contestant.name]
                    misses = [
                        events.one(f"i.{number}x{each}") for each in range(self.effort.misses)
                    ]
                    report = function.answer(misses)
                    _keep(report, misses, into.miss_wall, into.miss_cpu)
                    into.peak_memory = report["peak_memory"]
            for contestant, function in functions.items():
                if contestant.name == PROJECT:
                    self._measure_many(function, measured[contestant.name])

    def _measure_many(self, function: RunningFunction, into: Measured) -> None:
        _say("100 at once and 100 one by one…")
        many, singles = [events.many(SONGS)], [events.one(song) for song in SONGS]
        function.answer([*many, *singles])
        for _ in range(self.effort.many_rounds):
            _keep(function.answer(many), many, into.many_wall, into.many_cpu)
            _keep(function.answer(singles), many, into.singles_wall, into.singles_cpu)

    def _rounds(self, kind: str, count: int) -> list[list[Contestant]]:
        """Give each round's contestants, in an order of its own, and say that it begins."""
        _say(f"{kind}: {count} rounds of {len(self.bundles)}…")
        chance = random.Random(kind)  # noqa: S311 - an order, not a secret
        return [chance.sample(list(self.bundles), len(self.bundles)) for _ in range(count)]


def look_at(
    contestant: Contestant, bundle: Bundle, *, python: LambdaPython, services: CannedServices
) -> dict[str, int]:
    """Count what does not waver: what a start and its first answer do, then what a hit does.

    It leaves the song that is asked for in the cache.
    """
    with running(contestant, bundle, python=python, services=services) as function:
        function.answer([events.one(SONG)])
    with running(contestant, bundle, python=python, services=services, look=True) as function:
        first = function.answer([events.one(SONG)])
        hit = function.answer([events.one(SONG)])
        log = function.logged(hit)
        miss_log = function.logged(function.answer([events.one("i.looked")]))
    init, warm = first["init"]["counts"], hit["counts"]
    return {
        "modules_imported": first["init"]["modules"],
        "modules_compiled": init["compiled"] + first["counts"]["compiled"],
        "files_opened": init["opened"] + first["counts"]["opened"],
        "handshakes_at_start": init["handshakes"] + first["counts"]["handshakes"],
        "ca_loads_at_start": init["ca_loads"] + first["counts"]["ca_loads"],
        "hit_handshakes": warm["handshakes"],
        "hit_ca_loads": warm["ca_loads"],
        "hit_files_opened": warm["opened"],
        "hit_log_bytes": len(log),
        "hit_log_events": log.count(b"\n"),
        "miss_log_bytes": len(miss_log),
    }


def count_instructions(
    contestant: Contestant,
    bundle: Bundle,
    handed: Sequence[events.Event],
    *,
    python: LambdaPython,
    services: CannedServices,
) -> int:
    """Count, by valgrind, what the processor does from a function's start to its last answer.

    It takes some thirty times as long as the start itself.
    """
    with tempfile.TemporaryDirectory() as directory:
        counted = Path(directory) / "cachegrind.out"
        under = ("valgrind", "--tool=cachegrind", "--cache-sim=no", f"--log-file={os.devnull}")
        with running(
            contestant,
            bundle,
            python=python,
            services=services,
            under=(*under, f"--cachegrind-out-file={counted}"),
        ) as function:
            function.answer(handed)
        *_, summary = counted.read_text("utf-8").splitlines()
    return int(summary.removeprefix("summary:").split()[0])


def _keep(report: Report, counted: Sequence[object], wall: list[float], cpu: list[float]) -> None:
    if _fell_back(report):
        raise FunctionFailedError(f"the cache did not answer in time: {report['last']}")
    wall.append(report["wall"] / len(counted))
    cpu.append(report["cpu"] / len(counted))


def _fell_back(report: Report) -> bool:
    """Whether a function that says what its cache did went on without it."""
    headers: Mapping[str, str] = report["last"].get("headers") or {}
    return "fwd=bypass" in headers.get("Cache-Status", "")


def _say(text: str) -> None:
    sys.stderr.write(text + "\n")
    sys.stderr.flush()
