"""Builds a snapshot from items, and merges ratings into its buckets; pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping

from functions.ratings.cache import items
from functions.ratings.cache.policy import (
    CachedRating,
    CachePolicy,
    CacheSnapshot,
    StoredRating,
)
from functions.ratings.models import Rating, RatingKey


def by_bucket(keys: Collection[RatingKey]) -> Mapping[str, Mapping[str, RatingKey]]:
    """Group keys by the sort key of their bucket, then by id."""
    buckets: dict[str, dict[str, RatingKey]] = defaultdict(dict)
    for key in keys:
        buckets[items.bucket_sort_key(key)][key.id] = key
    return buckets


def read_snapshot(
    found: Mapping[str, items.Item],
    unread: Collection[str],
    token_hash: str,
    family_key: str,
    wanted: Mapping[str, Mapping[str, RatingKey]],
    policy: CachePolicy,
    now: float,
) -> CacheSnapshot:
    """Build a snapshot from the items that DynamoDB read.

    `found` maps sort keys to items. DynamoDB did not read the sort keys in `unread`. `wanted` is
    from `by_bucket`.
    """
    family = items.read_family(found.get(family_key, {}), token_hash, now)
    if family is None or family_key in unread:
        return CacheSnapshot(read_at=now, family=None, invalid_count=int(family is None))
    ratings: dict[RatingKey, CachedRating] = {}
    buckets: dict[str, items.Item] = {}
    invalid_count = 0
    for sort_key, by_id in wanted.items():
        bucket = items.read_bucket(found.get(sort_key, {}), token_hash, sort_key, by_id)
        if sort_key not in unread:
            buckets[sort_key] = {} if bucket is None else found.get(sort_key, {})
        stored: Mapping[str, StoredRating] = {}
        if bucket is None:
            invalid_count += 1
        else:
            valid = bucket.valid(now)
            invalid_count += len(bucket.ratings) - len(valid)
            if bucket.generation == family.number:
                stored = valid
        for item_id, key in by_id.items():
            cached = policy.choose(stored.get(item_id), family.answers.get(key), family, now)
            if cached is not None:
                ratings[key] = cached
    return CacheSnapshot(now, family, ratings, buckets, invalid_count)


def merged_buckets(
    snapshot: CacheSnapshot,
    token_hash: str,
    ratings: Mapping[RatingKey, Rating],
    requested_at: float,
    policy: CachePolicy,
    now: float,
) -> Iterator[items.Item]:
    """Merge `ratings` into the buckets of a snapshot; omit buckets that were not read."""
    number = None if snapshot.family is None else snapshot.family.number
    for sort_key, by_id in by_bucket(ratings.keys()).items():
        if sort_key not in snapshot.buckets:
            continue
        bucket = items.read_bucket(snapshot.buckets[sort_key], token_hash, sort_key)
        is_current = bucket is not None and bucket.generation == number
        kept = bucket.valid(now) if bucket is not None and is_current else {}
        fetched = {
            item_id: StoredRating(ratings[key].value, requested_at)
            for item_id, key in by_id.items()
        }
        yield items.bucket_item(
            token_hash,
            sort_key,
            policy.merge(kept, fetched, now),
            generation=number,
            expires_at=policy.expires_at(requested_at),
        )
