from bench.fleet.events import EventLoop


def test_sleeping_calls_resume_in_the_order_of_time() -> None:
    loop, done = EventLoop(), list[tuple[str, float]]()

    def call(name: str, seconds: float) -> None:
        for _ in range(2):
            loop.sleep(seconds)
            done.append((name, loop.monotonic()))

    loop.start(call, "slow", 3)
    loop.start(call, "quick", 1)
    loop.at(1.5, lambda: loop.start(call, "late", 0.25))
    loop.run(until=6)
    assert done == [("quick", 1), ("late", 1.75), ("quick", 2), ("late", 2), ("slow", 3)]

    loop.run(until=7)
    assert done[5:] == [("slow", 6)], "an event at the end of a run belongs to the next run"
    assert (loop.monotonic(), loop.time() - EventLoop().time()) == (7, 7)
