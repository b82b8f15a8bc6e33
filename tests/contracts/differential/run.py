"""Random requests to several environments of the function, with faults."""

from __future__ import annotations

import json
from collections import defaultdict, deque
from collections.abc import Sequence
from functools import partial
from random import Random
from typing import Any, Final

from functions.ratings.api.gateway import ApiRequest
from functions.shared.aws.json_client import AwsCall
from functions.shared.deadline import Deadline
from tests.contracts.differential.apple import FAMILIES, FAULTS, QUICK, SLOW, AppleModel, Name
from tests.contracts.differential.exchanges import Exchange, FaultyDynamoDB, Response
from tests.contracts.differential.responses import DEADLINE_SECONDS, AllowedResponses
from tests.fakes.lambda_function import event
from tests.fakes.ratings_function import InMemoryFunction

ENVIRONMENTS: Final = 3
VALUES: Final = (1, -1, 0)
JUMPS: Final = (*(0.0, 0.01, 0.3, 1.0, 2.0) * 3, 4.0, 7.0, 11.0, 30.0, 62.0, 200.0, 3600.0)
HISTORY: Final = 12
"""How many of the token's last exchanges a failure prints."""


class Run:
    """Several environments on one table, and three users; one user has two devices.

    `step` runs one random request, or many in a row, and raises an AssertionError if a response is
    not allowed. `count` is the number of responses, `kinds` has their kinds.
    """

    def __init__(self, seed: int, call: AwsCall) -> None:
        self._seed = seed
        self._chance = Random(seed)
        # The tokens contain the seed, because several runs share a table.
        accounts = {"ada-phone": "ada", "ada-tablet": "ada", "grace": "grace", "joan": "joan"}
        self._tokens = {f"sample-user-token-{seed}-{each}": accounts[each] for each in accounts}
        self._apple = AppleModel(self._chance, self._tokens)
        self._clock = self._apple.clock
        self._dynamodb = FaultyDynamoDB(call, self._clock)
        self._environments = [
            InMemoryFunction(
                apple=self._apple, call=self._dynamodb.call, chance=Random(f"{seed}/{number}")
            )
            for number in range(ENVIRONMENTS)
        ]
        self._allowed = AllowedResponses()
        self._histories: dict[str, deque[Exchange]] = defaultdict(partial(deque, maxlen=HISTORY))
        self._token, self._names = next(iter(self._tokens)), FAMILIES["songs"]
        self._fault_rates, self._write_rate = (0.0, 0.0), 0.2
        self.count = 0
        self.kinds: set[str] = set()

    def step(self) -> None:
        chance = self._chance
        self._clock.advance(chance.choice(JUMPS) * chance.choice((0.1, 0.9, 1.0, 1.1)))
        if chance.random() < 0.1:
            self._token = chance.choice(list(self._tokens))
            family = FAMILIES[chance.choice((*FAMILIES, "songs"))]
            self._names = chance.sample(family, chance.choice((1, 2, 4, len(family), len(family))))
        if chance.random() < 0.05:
            self._fault_rates = (chance.choice((0.0, 0.2, 0.9)), chance.choice((0.0, 0.0, 0.2, 1)))
            self._write_rate = chance.choice((0.05, 0.2, 0.6))
            self._apple.takes_seconds = chance.choice((QUICK, SLOW))
        if chance.random() < 0.005:
            until = self._clock.time() + chance.choice((5, 100))
            self._apple.revoked_until[self._token] = until
        name = chance.choice(self._names)
        if chance.random() < 0.02:
            self._rate_many_and_read(FAMILIES[name.family])
        elif chance.random() < self._write_rate:
            self._send([name], value=chance.choice(VALUES))
        elif chance.random() < 0.6:
            self._send([name], extended=chance.random() < 0.2)
        else:
            names = [each for each in FAMILIES[name.family] if each.type == name.type]
            self._send(chance.sample(names, chance.randint(1, len(names))), is_list=True)

    def _rate_many_and_read(self, names: Sequence[Name]) -> None:
        for name in self._chance.sample(names, len(names)):
            self._send([name], value=self._chance.choice(VALUES))
        for type_name in sorted({name.type for name in names}):
            self._send([name for name in names if name.type == type_name], is_list=True)

    def _send(
        self,
        names: Sequence[Name],
        *,
        value: int | None = None,
        is_list: bool = False,
        extended: bool = False,
    ) -> None:
        """Send a request, with faults at random, and check its response."""
        chance, (apple_rate, dynamodb_rate) = self._chance, self._fault_rates
        self._apple.plan = [
            chance.choice(FAULTS) if chance.random() < apple_rate else None for _ in range(3)
        ]
        self._dynamodb.plan = [
            chance.choice(("refused", "lost", "twice")) if chance.random() < dynamodb_rate else ""
            for _ in range(4)
        ]
        self._apple.attempts, self._dynamodb.calls = [], []
        environment, sent_at = chance.randrange(ENVIRONMENTS), self._clock.time()
        request = ApiRequest.from_event(
            self._event(names, value, is_list=is_list, extended=extended), fallback_request_id=""
        )
        response = self._environments[environment].routes.respond(
            request, Deadline.after(DEADLINE_SECONDS, self._clock)
        )
        exchange = Exchange(
            token=self._token,
            environment=environment,
            names=names,
            is_list=is_list,
            extended=extended,
            value=value,
            sent_at=sent_at,
            ended_at=self._clock.time(),
            response=Response(response.to_proxy("gateway-1")),
            attempts=self._apple.attempts,
            calls=self._dynamodb.calls,
        )
        history = self._histories[self._token]
        history.append(exchange)
        self.count += 1
        self.kinds.add(exchange.response.kind)
        try:
            self._allowed.check(exchange)
        except AssertionError as error:
            exchanges = "\n".join(map(str, history))
            raise AssertionError(f"seed {self._seed}: {error}\n{exchanges}") from None

    def _event(
        self, names: Sequence[Name], value: int | None, *, is_list: bool, extended: bool
    ) -> dict[str, Any]:
        method = "GET" if value is None else "PUT" if value else "DELETE"
        resource, parameters = "/v1/me/ratings/{type}", {"type": names[0].type}
        query = {"include": ["content"]} if extended else {}
        if is_list:
            query["ids"] = [",".join(name.id for name in names)]
        else:
            resource, parameters = f"{resource}/{{id}}", {**parameters, "id": names[0].id}
        return event(
            method,
            self._token,
            resource=resource,
            pathParameters=parameters,
            multiValueQueryStringParameters=query,
            body=json.dumps({"attributes": {"value": value}}) if value else None,
        )
