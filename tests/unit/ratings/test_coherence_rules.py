"""Each test removes one rule of the cache protocol: some order of calls then breaks a promise."""

from typing import Any
from unittest.mock import ANY

import pytest

from functions.ratings.cache import dynamodb, items, policy
from functions.ratings.cache.policy import Bucket, CachePolicy, Family, WriteStarted
from tests.contracts.orders import (
    Run,
    a_failure_of_apple_after_a_change_elsewhere,
    a_late_effect_of_a_lost_write,
    a_write_of_a_song_by_another_id,
    orders,
    ten_writes_in_a_row,
)

LIKE_AND_READ = orders("like", "read catalog list")
TWO_WRITES = orders("like", "dislike", dying=1)
TWO_RESENT_WRITES = orders("like", "dislike", dying=1, resent=("open",))
THREE_WRITES = orders("like", "dislike", "delete", dying=1)

Patch = pytest.MonkeyPatch


@pytest.mark.parametrize(
    ("merging", "run"), [(False, LIKE_AND_READ), (True, a_write_of_a_song_by_another_id)]
)
def test_without_the_generation_of_a_bucket_a_promise_breaks(
    merging: bool, run: Run, monkeypatch: Patch
) -> None:
    read_bucket = items.read_bucket

    def of_any_generation(*args: Any) -> Bucket | None:
        bucket, is_merging = read_bucket(*args), len(args) == 3  # no `ids`: a store
        if bucket is None or is_merging != merging:
            return bucket
        return bucket._replace(generation=ANY)

    monkeypatch.setattr(items, "read_bucket", of_any_generation)

    assert any(run())


def test_without_the_mark_of_concurrent_writes_a_promise_breaks(monkeypatch: Patch) -> None:
    started = Family.started
    monkeypatch.setattr(
        Family, "started", lambda *args: started(*args)._replace(had_concurrent_write=False)
    )

    assert any(TWO_WRITES())


def test_a_promise_breaks_if_a_resent_open_does_not_return_writing_before(
    monkeypatch: Patch,
) -> None:
    class ConditionFailedError(dynamodb._ConditionFailedError):
        def __init__(self, item: items.Item) -> None:
            super().__init__({name: item[name] for name in item if name != "writing_before"})

    monkeypatch.setattr(dynamodb, "_ConditionFailedError", ConditionFailedError)

    assert any(TWO_RESENT_WRITES())


@pytest.mark.long
def test_without_the_condition_of_a_close_a_promise_breaks(monkeypatch: Patch) -> None:
    original = items.closing_the_only_one
    monkeypatch.setattr(
        items,
        "closing_the_only_one",
        lambda *args: original(*args)._replace(condition="", values={}),
    )

    assert any(THREE_WRITES())


def test_without_settling_a_promise_breaks(monkeypatch: Patch) -> None:
    monkeypatch.setattr(Family, "is_settled", lambda *_: True)

    assert any(LIKE_AND_READ())


def test_without_the_longer_settling_after_an_unknown_outcome_a_promise_breaks(
    monkeypatch: Patch,
) -> None:
    monkeypatch.setattr(dynamodb, "UNKNOWN_SECONDS", 0)

    assert any(a_late_effect_of_a_lost_write())


def test_without_the_age_limit_of_answers_a_promise_breaks(monkeypatch: Patch) -> None:
    choose = CachePolicy.choose

    def without_limit(self: CachePolicy, stored: Any, answer: Any, *more: Any) -> object:
        return choose(self, stored, answer and answer._replace(closed_at=2e9), *more)

    monkeypatch.setattr(CachePolicy, "choose", without_limit)

    assert any(TWO_WRITES())


def test_without_the_generation_of_answers_a_promise_breaks(monkeypatch: Patch) -> None:
    choose = CachePolicy.choose

    def of_any_generation(self: CachePolicy, stored: Any, answer: Any, *more: Any) -> object:
        return choose(self, stored, answer and answer._replace(generation=ANY), *more)

    monkeypatch.setattr(CachePolicy, "choose", of_any_generation)

    assert any(TWO_WRITES())


def test_if_an_answer_replaces_a_later_stored_rating_a_promise_breaks(monkeypatch: Patch) -> None:
    choose = CachePolicy.choose

    def answer_wins(self: CachePolicy, stored: Any, answer: Any, *more: Any) -> object:
        return choose(self, None if answer else stored, answer, *more)

    monkeypatch.setattr(CachePolicy, "choose", answer_wins)

    assert any(a_failure_of_apple_after_a_change_elsewhere())


def test_if_a_write_drops_earlier_answers_a_promise_breaks(monkeypatch: Patch) -> None:
    answers_after = WriteStarted.answers_after
    monkeypatch.setattr(
        WriteStarted,
        "answers_after",
        lambda started, *args: answers_after(started._replace(answers={}), *args),
    )

    assert any(ten_writes_in_a_row())


def test_if_only_nine_answers_are_kept_a_promise_breaks(monkeypatch: Patch) -> None:
    monkeypatch.setattr(policy, "MAX_ANSWERS", 9)

    assert any(ten_writes_in_a_row())
