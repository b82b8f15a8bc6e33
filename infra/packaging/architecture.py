"""The processors on which Lambda runs functions."""

from __future__ import annotations

from enum import StrEnum


class Architecture(StrEnum):
    """A processor, with Lambda's name for it."""

    ARM_64 = "arm64"
    X86_64 = "x86_64"

    @classmethod
    def of_machine(cls, machine: str) -> Architecture:
        """Return the architecture for a result of `platform.machine()`.

        Raises:
            ValueError: if Lambda does not support it.
        """
        return cls.ARM_64 if machine == "aarch64" else cls(machine)

    @property
    def wheels(self) -> str:
        """Pip's name of the platform, for wheels."""
        return "manylinux2014_aarch64" if self is Architecture.ARM_64 else "manylinux2014_x86_64"
