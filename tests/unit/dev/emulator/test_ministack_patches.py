from pathlib import Path

PROJECT = Path(__file__).parents[4]


def test_the_patches_are_for_the_pinned_version() -> None:
    patches = (PROJECT / "dev" / "emulator" / "ministack_patches.py").read_text("utf-8")
    pins = (PROJECT / "requirements-ministack.txt").read_text("utf-8")
    version = pins.partition("ministack==")[2].split()[0]

    assert patches.startswith(f'"""Patches MiniStack {version} ')
