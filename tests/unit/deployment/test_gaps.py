"""Every gap of the emulator is filled, and gives its reason and where AWS says so."""

from __future__ import annotations

import ast
from pathlib import Path

GAPS = Path(__file__).parents[3] / "deployment" / "gaps.py"
PINS = GAPS.parents[1] / "requirements-ministack.txt"


def test_each_gap_is_filled_and_says_what_it_is() -> None:
    functions = {
        each.name: each
        for each in ast.parse(GAPS.read_text("utf-8")).body
        if isinstance(each, ast.FunctionDef) and not each.name.startswith("_")
    }
    calls = {
        node.func.id
        for node in ast.walk(functions.pop("fill"))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
    }

    assert calls == set(functions)
    assert all("MiniStack" in (ast.get_docstring(each) or "") for each in functions.values())


def test_the_gaps_are_those_of_the_version_that_is_installed() -> None:
    heading = ast.get_docstring(ast.parse(GAPS.read_text("utf-8"))) or ""
    pins = dict(
        line.split("#")[0].strip().split("==")
        for line in PINS.read_text("utf-8").splitlines()
        if "==" in line
    )

    assert heading.startswith(f"What MiniStack {pins['ministack']} does otherwise than AWS")
