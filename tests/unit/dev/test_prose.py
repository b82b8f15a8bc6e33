from pathlib import Path

import pytest

from dev import prose

PROJECT = Path(__file__).parents[3]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("It is fresh, whoever calls.", [(1, "whoever")]),
        ("A page.\n\nA response with 500 is no\nerror.\n", [(3, "is no error")]),
        ("# A comment about the stale copy at\n# hand\n", [(1, "at hand")]),
        ('log(\n    "The cache stands "\n    f"in for Apple."\n)', [(2, "stands in")]),
        ("def test_a_pool_of_its_own() -> None: ...", [(1, "of its own")]),
        ("We were told. Ask Apple, mend it.", [(1, "were told"), (1, "ask apple"), (1, "mend")]),
        ("There is no rating. It is no longer cached, and `amended` is one word.", []),
    ],
)
def test_phrases_are_found_across_lines_quotes_and_underscores(
    text: str, found: list[tuple[int, str]]
) -> None:
    assert [(line, phrase) for line, phrase, _ in prose.findings(text)] == found


def test_the_command_fails_for_a_finding_unless_its_file_is_an_exception(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    this = str(Path(__file__).relative_to(PROJECT))

    assert prose.main([__file__]) == 0
    monkeypatch.setattr(prose, "EXCEPTIONS", {})
    assert prose.main([__file__]) == 1

    assert f'{this}:13: "whoever": write the person' in capsys.readouterr().out


def test_texts_are_searched_but_not_lock_files_or_third_party_files(tmp_path: Path) -> None:
    ours = {".ci/run", "Makefile", "README.md", "docs/page.md", "ops/drill.sh", "tests/e2e/a.py"}
    others = {"requirements.lock", "tests/e2e/node_modules/a/README.md", "build/a.md", "ops/a.svg"}
    for name in ours | others:
        file = tmp_path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.touch()

    assert {str(path.relative_to(tmp_path)) for path in prose.files(tmp_path)} == ours
