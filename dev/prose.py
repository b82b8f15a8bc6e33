"""Finds phrases that are hard to read, in pages, code and tests: `python -m dev.prose [FILE…]`.

It prints `file:line: "text": write …` for each finding, and returns 1 if there are any. It searches
names too: an underscore counts as a space.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

# Advice by regular expression. Texts are in lower case; a space also matches a line end.
PHRASES: Final = {
    r"(is|are|was|were|be|being) told|told (of|apart)": "the event: receives, is notified, differs",
    r"asks? (apple|aws|dynamodb|lambda|the (api|cache|function|gateway|service))": "call, request",
    r"mend(s|ed|ing)?": "fix",
    r"alarms? (rings?|rang)": "an alarm fires",
    r"(stands|stood) in|stand in (for|if|when)|goes on without|gone on without": "what happens",
    r"time-outs?": "timeout",
    r"hung up": "aborted, disconnected",
    r"last word": "the latest write",
    r"at hand": "available",
    r"whoever|whatever": "the person or the thing, or any",
    r"what (is left|has to|is there)|(has|have|had) to be there": "the thing",
    r"where there (is|are|was|were)": "if",
    r"what( \S+){1,4} (make|makes|made) of": "the result, or how … handles it",
    r"for want of|lest|albeit|save for|thereof|therein|whence|upon": "a plain word",
    r"be it|be they|should (someone|anyone|one)|were (it|they|one) to": "even if, if, whether",
    r"(?<!there\s)(is|are|was|were) no (?!longer|more|less|later|earlier)[a-z`]+": "is not a",
    r"but for|all but|(no|none|nothing|nobody)( \w+)? but": "except, only",
    r"alone": "only",
    r"of (its|their|our|one's) own": "own, separate",
    r"otherwise than": "differently from",
    r"let (it|them) be|so that( \S+){1,4} one likes|as (many|much|long|often) as one": "a number",
    r"(a|an) (?!bit|little|lot|few)[a-z]+ more": "another",
    r"some ([0-9,]+|two|three|five|six|seven|nine|ten|fifty)": "about",
    r"some (seconds|minutes|hours|days)": "a few",
    r"the (former|latter)": "the thing",
    r"(say|says|said|saying) so": "what it reports",
    r"(has|have) theirs": "has its own, and the noun",
}

EXCEPTIONS: Final = {
    "dev/prose.py": "the phrases themselves",
    "tests/unit/dev/test_prose.py": "examples of the phrases",
}

_SUFFIXES: Final = frozenset(
    {".html", ".js", ".kt", ".md", ".py", ".sh", ".swift", ".toml", ".ts", ".txt", ".yaml", ".yml"}
)
_NAMES: Final = frozenset({".cfnlintrc", ".editorconfig", "Makefile", "run"})
_FOLDERS: Final = (
    ".ci", ".github", "bench", "dev", "docs", "examples", "functions", "infra", "ops", "tests",
)  # fmt: skip
_NOT_OURS: Final = frozenset({"build", "node_modules"})

# One expression, because each one takes a tenth of a second.
_ANY: Final = re.compile(rf"\b(?:{'|'.join(PHRASES)})\b".replace(" ", r"\s+"))
_STRING_GAP: Final = re.compile(r'" *\n *f?"')
_SPACES: Final = str.maketrans("_#*>\"'", "      ")


def findings(text: str) -> Iterator[tuple[int, str, str]]:
    """Yield the line number, the phrase and the advice of each finding."""
    plain = _STRING_GAP.sub("\n", text.lower()).translate(_SPACES)
    for match in _ANY.finditer(plain):
        phrase = " ".join(match[0].split())
        advice = next(write for rule, write in PHRASES.items() if re.fullmatch(rule, phrase))
        yield plain.count("\n", 0, match.start()) + 1, phrase, advice


def files(root: Path) -> Iterator[Path]:
    """Return the files of the project, except lock files, installed files and generated files."""
    folders = (root / name for name in _FOLDERS)
    for path in (*root.iterdir(), *(path for folder in folders for path in folder.rglob("*"))):
        is_text = path.suffix in _SUFFIXES or path.name in _NAMES
        if is_text and path.is_file() and _NOT_OURS.isdisjoint(path.relative_to(root).parts):
            yield path


def main(arguments: Sequence[str]) -> int:
    """Print the findings in the named files, by default in all; return the exit status."""
    root = Path(__file__).resolve().parents[1]
    paths = [Path(name).resolve() for name in arguments] or files(root)
    lines = [
        f'{name}:{line}: "{phrase}": write {advice}\n'
        for name, path in sorted((str(path.relative_to(root)), path) for path in paths)
        if name not in EXCEPTIONS
        for line, phrase, advice in findings(path.read_text("utf-8"))
    ]
    sys.stdout.writelines(lines)
    return 1 if lines else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
