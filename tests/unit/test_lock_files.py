"""The lock files match the requirements files from which `make lock` wrote them."""

from __future__ import annotations

import re
from itertools import chain
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[2]
FILES = [
    *PROJECT.glob("requirements-*.txt"),
    *chain.from_iterable(
        PROJECT.glob(f"{area}/requirements.txt") for area in ("functions/*", "bench/peers/*")
    ),
]
PIN = r"^([\w.-]+)(?:\[[^]]*\])?==([^\s;]+)"
LOCKED = (
    r"([a-z0-9-]+==[\w.+!-]+(?: ; [^\\\n]+)?) \\\n((?:    --hash=sha256:[0-9a-f]{64}(?: \\)?\n)+)"
)


def pins(requirements: Path) -> set[str]:
    """Return the pins of a requirements file and of the files that it includes."""
    text = requirements.read_text("utf-8")
    own = {
        f"{re.sub('[-_.]+', '-', name).lower()}=={version}"
        for name, version in re.findall(PIN, text, re.MULTILINE)
    }
    included = re.findall(r"^-r (\S+)", text, re.MULTILINE)
    return own.union(*(pins(requirements.parent / name) for name in included))


def locked(requirements: Path) -> set[str]:
    """Return the lock file's package lines, with their markers and without hashes."""
    text = requirements.with_suffix(".lock").read_text("utf-8")
    header, *_ = re.split(r"(?m)^(?!#)", text, maxsplit=1)
    assert re.fullmatch(f"({LOCKED})*", text.removeprefix(header)), "a line is not a hashed package"
    assert "/" not in header
    return {line for line, _ in re.findall(LOCKED, text)}


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(PROJECT)))
def test_a_lock_file_has_every_pin_and_a_hash_of_each_package(file: Path) -> None:
    assert pins(file) <= {line.partition(" ")[0] for line in locked(file)}, "run `make lock`"


def test_lock_files_have_the_versions_of_the_tools_lock_file() -> None:
    tools = {line.partition(" ")[0] for line in locked(PROJECT / "requirements-tools.txt")}

    for file in FILES:  # MiniStack and the benchmark's peers pin their own versions
        if "ministack" not in file.name and "bench" not in file.parts:
            assert {line.partition(" ")[0] for line in locked(file)} <= tools
