"""Runs several operations at once, one effect at a time, in every order whose result can differ."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from greenlet import GreenletExit, greenlet


class _Client(greenlet):
    """Runs an operation. After it dies, not even its `finally` blocks have effects."""

    is_dead = False


class Operation:
    """A call that pauses before each of its effects, and may die after `dies_after` effects.

    `next_step` has the items that the next effect reads or writes; None after the last effect.
    """

    def __init__(self, call: Callable[[], object], dies_after: int | None = None) -> None:
        self._greenlet = _Client(call)
        self._remaining = dies_after
        self.next_step: frozenset[str] | None = self._run()

    def advance(self) -> None:
        """Run one effect, and pause before the next."""
        if self._remaining is not None:
            self._remaining -= 1
        self.next_step = self._run()

    def end(self) -> None:
        """End a paused call without further effects: a paused call keeps its world in memory."""
        if self._greenlet:
            self._greenlet.throw()
        self.next_step = None

    def _run(self) -> frozenset[str] | None:
        step = self._greenlet.switch()
        if self._remaining == 0:
            self.end()
            return None
        return step if isinstance(step, frozenset) else None


def pause(*touches: str) -> None:
    """In an operation, pause before an effect until `advance` is called; elsewhere, do nothing."""
    client = greenlet.getcurrent()
    if not isinstance(client, _Client) or client.parent is None:
        return
    if client.is_dead:
        raise GreenletExit
    try:
        client.parent.switch(frozenset(touches))
    except GreenletExit:
        client.is_dead = True
        raise


Start = Callable[[], Mapping[str, Operation]]
"""Starts a new world, and returns its operations by name, each before its first effect."""


def interleavings(start: Start, *, every: bool, after_each: Callable[[], object]) -> Iterator[None]:
    """Run the effects in each order, each order in its own world, and yield after each order.

    `after_each` is called after each effect, but not again in a prefix that an earlier order had.
    Two orders have the same result if they differ only in the order of adjacent effects on
    different items. One such order is run, or all if `every` (sleep sets: P. Godefroid, LNCS 1032,
    ch. 5).
    """
    pending: list[tuple[tuple[str, ...], frozenset[str]]] = [((), frozenset())]
    while pending:
        order, asleep = pending.pop()
        operations = start()
        for name in order:
            operations[name].advance()
        after_each()
        while True:
            steps = {n: op.next_step for n, op in operations.items() if op.next_step is not None}
            awake = [name for name in steps if name not in asleep]
            if not awake:
                break
            branches: list[tuple[tuple[str, ...], frozenset[str]]] = []
            for name in awake:
                still = frozenset(other for other in asleep if not steps[other] & steps[name])
                branches.append(((*order, name), frozenset() if every else still))
                asleep |= {name}
            (order, asleep), *others = branches
            pending.extend(others)
            operations[order[-1]].advance()
            after_each()
        for operation in operations.values():
            operation.end()
        if not steps:
            yield
