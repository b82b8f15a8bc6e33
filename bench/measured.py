"""What a run measures of one contestant."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(slots=True)
class Measured:
    """What one contestant took, in seconds and bytes, one value for each round.

    `instructions` are those of a start with its first hit.

    Rounds are the same for all contestants: values at the same place make a pair.
    """

    zip_bytes: int = 0
    cold_wall: list[float] = field(default_factory=list)
    cold_cpu: list[float] = field(default_factory=list)
    cold_memory: list[float] = field(default_factory=list)
    init_wall: list[float] = field(default_factory=list)
    hit_wall: list[float] = field(default_factory=list)
    hit_cpu: list[float] = field(default_factory=list)
    miss_wall: list[float] = field(default_factory=list)
    miss_cpu: list[float] = field(default_factory=list)
    many_wall: list[float] = field(default_factory=list)
    many_cpu: list[float] = field(default_factory=list)
    singles_wall: list[float] = field(default_factory=list)
    singles_cpu: list[float] = field(default_factory=list)
    peak_memory: int = 0
    counts: dict[str, int] = field(default_factory=dict)
    instructions: int | None = None
    hit_instructions: float | None = None
