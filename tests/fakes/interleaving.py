"""Runs several operations at once, one effect at a time, in every order that can differ."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from greenlet import greenlet


@dataclass(frozen=True, slots=True)
class Step:
    """An effect that an operation is about to have, and on what; a read touches too."""

    name: str
    touches: frozenset[str]


class Operation:
    """A call that stops before each of its effects, and dies after `lives` of them."""

    def __init__(self, call: Callable[[], object], lives: int | None = None) -> None:
        self._greenlet = greenlet(call)
        self._lives = lives
        self.next_step: Step | None = self._run()

    def advance(self) -> None:
        """Let the next effect happen, and stop before the one after."""
        if self._lives is not None:
            self._lives -= 1
        self.next_step = self._run()

    def _run(self) -> Step | None:
        step = self._greenlet.switch()
        return step if isinstance(step, Step) and self._lives != 0 else None


def pause(name: str, *touches: str) -> None:
    """Stop before an effect until the operation is advanced; outside of one, go on."""
    parent = greenlet.getcurrent().parent
    if parent is not None:
        parent.switch(Step(name, frozenset(touches)))


Start = Callable[[], Mapping[str, Operation]]
"""Begins a world anew, with its operations by name, none of which has had an effect yet."""


def interleavings(start: Start, *, every: bool) -> Iterator[tuple[str, ...]]:
    """Play the orders of the operations' effects, each in a world of its own, and tell them.

    Orders that differ only by swapping neighbours that touch nothing in common lead to the same
    world, so without `every` one of them is played (sleep sets: P. Godefroid, LNCS 1032, ch. 5).
    """
    pending: list[tuple[tuple[str, ...], frozenset[str]]] = [((), frozenset())]
    while pending:
        order, asleep = pending.pop()
        operations = start()
        for name in order:
            operations[name].advance()
        while True:
            steps = {n: op.next_step for n, op in operations.items() if op.next_step is not None}
            awake = [name for name in steps if name not in asleep]
            if not awake:
                break
            explored: list[str] = []
            branches: list[tuple[tuple[str, ...], frozenset[str]]] = []
            for name in awake:
                still = frozenset(
                    other
                    for other in (*asleep, *explored)
                    if not steps[other].touches & steps[name].touches
                )
                branches.append(((*order, name), frozenset() if every else still))
                explored.append(name)
            first, *others = branches
            pending.extend(others)
            order, asleep = first
            operations[order[-1]].advance()
        if not steps:
            yield order
