"""The processors that Lambda runs functions on, and the wheels that each of them takes."""

from __future__ import annotations

from enum import StrEnum


class Architecture(StrEnum):
    """A processor, by Lambda's name for it."""

    ARM_64 = "arm64"
    X86_64 = "x86_64"

    @classmethod
    def of_machine(cls, machine: str) -> Architecture:
        """Give that of a machine, by what `platform.machine()` calls it.

        Raises:
            ValueError: where Lambda has none like it.
        """
        return cls.ARM_64 if machine == "aarch64" else cls(machine)

    @property
    def wheels(self) -> str:
        """The platform of the wheels that it takes, as pip names it."""
        return "manylinux2014_aarch64" if self is Architecture.ARM_64 else "manylinux2014_x86_64"
