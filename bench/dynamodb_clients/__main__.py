"""Measures one read of DynamoDB by botocore, by its signer alone, and by pydynox."""

from __future__ import annotations

import argparse
import json
import os
import random
import sys
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Final

import urllib3

from bench.bundles import Bundle, make_bundle
from bench.contestants import Contestant
from bench.figures import Spread, ratios, rounded, shown
from bench.lambda_python import LambdaPython, find
from bench.processes import (
    REPOSITORY,
    CannedServices,
    Cores,
    canned_services,
    pinned,
    running,
    start_and_answer,
)
from bench.report import aligned

_HERE: Final = Path(__file__).parent
_BUILD: Final = REPOSITORY / "build" / "bench"

WAYS: Final = (
    Contestant(name="botocore", label="botocore's client, lean", peer=_HERE / "botocore_client"),
    Contestant(name="signer", label="botocore's signer, urllib3", peer=_HERE / "signed_pool"),
    Contestant(name="pydynox", label="pydynox", peer=_HERE / "pydynox_client"),
)

_NAMES: Final = tuple(f"library-songs#i.7PJNN4mfXl{number:03d}" for number in range(100))
_COLD_ROUNDS: Final = 15
_WARM_ROUNDS: Final = 25

_KINDS: Final[Mapping[str, tuple[dict[str, Any], int]]] = {
    "get": ({"names": _NAMES[:1], "batch": False}, 60),
    "batch_of_2": ({"names": _NAMES[:2], "batch": True}, 60),
    "batch_of_100": ({"names": _NAMES, "batch": True}, 6),
}
"""What is asked, and how often in a round; a hit of the service is a batch of 2."""

_MICRO: Final = 1_000_000
_MILLI: Final = 1_000
_MEGA: Final = 1_000_000

Values = dict[str, list[float]]


def main() -> None:
    """Measure all ways in rounds, and print a table."""
    parser = argparse.ArgumentParser(prog="python -m bench.dynamodb_clients", description=__doc__)
    parser.add_argument("--python", default="", help="the Python that runs what is measured")
    python = find(parser.parse_args().python, "python3.13", sys.executable)
    _BUILD.mkdir(parents=True, exist_ok=True)
    bundles = {way: make_bundle(way, python, _BUILD) for way in WAYS}
    load = os.getloadavg()[0]
    cores = Cores.of_this_machine()
    with canned_services(cores) as services, pinned(cores.functions):
        for way in WAYS:
            _fill(services, table=way.name)
        measured = _measure(bundles, python, services)
    found: dict[str, Any] = {
        "run": {"python": python.version, "load": round(load, 2)},
        "ways": {way.name: _document(way, bundles[way], measured) for way in WAYS},
    }
    (_HERE / "results.json").write_text(json.dumps(found, indent=2) + "\n", "utf-8")
    sys.stdout.write(_table(found["ways"]) + "\n")


def _fill(services: CannedServices, *, table: str) -> None:
    """Put items such as the service's own, by a request that the canned server takes unsigned."""
    items = [
        {
            "pk": {"S": "owner"},
            "sk": {"S": name},
            "owner": {"S": "0123456789abcdef" * 4},
            "resource": {"S": json.dumps({"id": name, "attributes": {"value": 1}})},
            "requested_at": {"N": "1767225600.123456"},
            "generation": {"NULL": True},
            "expires_at": {"N": "1767232800"},
        }
        for name in _NAMES
    ]
    writes = [{"PutRequest": {"Item": item}} for item in items]
    urllib3.PoolManager(ca_certs=str(services.roots)).request(
        "POST",
        services.urls["dynamodb"],
        body=json.dumps({"RequestItems": {table: writes}}).encode(),
        headers={"X-Amz-Target": "DynamoDB_20120810.BatchWriteItem"},
    )


def _measure(
    bundles: Mapping[Contestant, Bundle], python: LambdaPython, services: CannedServices
) -> dict[str, Values]:
    measured: dict[str, Values] = {way.name: {} for way in WAYS}
    chance = random.Random(0)  # noqa: S311 - an order, not a secret
    first = _KINDS["get"][0]
    for _ in range(_COLD_ROUNDS):
        for way in chance.sample(WAYS, len(WAYS)):
            report = start_and_answer(way, bundles[way], first, python=python, services=services)
            into = measured[way.name]
            _keep(into, "cold_wall", report["answered_at"] - report["started_at"])
            _keep(into, "cold_cpu", report["cpu_since_start"])
            _keep(into, "cold_memory", report["peak_memory"])
    with ExitStack() as stack:
        functions = {
            way: stack.enter_context(running(way, bundle, python=python, services=services))
            for way, bundle in bundles.items()
        }
        for function in functions.values():
            for event, repeats in _KINDS.values():
                function.answer([event] * repeats)
        for _ in range(_WARM_ROUNDS):
            for kind, (event, repeats) in _KINDS.items():
                for way in chance.sample(WAYS, len(WAYS)):
                    report = functions[way].answer([event] * repeats)
                    _keep(measured[way.name], f"{kind}_wall", report["wall"] / repeats)
                    _keep(measured[way.name], f"{kind}_cpu", report["cpu"] / repeats)
    return measured


def _keep(into: Values, name: str, value: float) -> None:
    into.setdefault(name, []).append(value)


def _document(way: Contestant, bundle: Bundle, measured: Mapping[str, Values]) -> dict[str, Any]:
    ours, botocores = measured[way.name], measured[WAYS[0].name]
    files = [path for path in bundle.path.rglob("*") if path.is_file()]
    return {
        "label": way.label,
        "cold_wall_ms": _spread(ours["cold_wall"], _MILLI),
        "cold_cpu_ms": _spread(ours["cold_cpu"], _MILLI),
        "cold_peak_memory_mb": _spread(ours["cold_memory"], 1 / _MEGA),
        **{
            f"{kind}_{what}_us": _spread(ours[f"{kind}_{what}"], _MICRO)
            for kind in _KINDS
            for what in ("cpu", "wall")
        },
        **{
            f"{kind}_cpu_to_botocore": ratios(
                ours[f"{kind}_cpu"], botocores[f"{kind}_cpu"]
            ).document()
            for kind in _KINDS
        },
        "cold_wall_to_botocore": ratios(ours["cold_wall"], botocores["cold_wall"]).document(),
        "zip_mb": rounded(bundle.zip_bytes / _MEGA),
        "unzipped_mb": rounded(sum(file.stat().st_size for file in files) / _MEGA),
    }


def _spread(values: Sequence[float], scale: float) -> dict[str, float]:
    return Spread.of(value * scale for value in values).document()


def _table(ways: Mapping[str, Mapping[str, Any]]) -> str:
    measures = [name for name in ways[WAYS[0].name] if name != "label"]
    rows: list[Sequence[str]] = [["min / median / max", *(each["label"] for each in ways.values())]]
    rows += [[name, *(_cell(each[name]) for each in ways.values())] for name in measures]
    return aligned(rows)


def _cell(value: Mapping[str, float] | float) -> str:
    if isinstance(value, Mapping):
        return " / ".join(shown(value[name]) for name in ("min", "median", "max"))
    return shown(value)


if __name__ == "__main__":
    main()
