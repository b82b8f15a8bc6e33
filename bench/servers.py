"""Canned DynamoDB, Secrets Manager and Apple Music over TLS, each in a process of its own.

    python -m bench.servers {dynamodb | secrets_manager | apple_music} CERTIFICATE_CHAIN_AND_KEY

They print their port and serve until standard input ends. DynamoDB keeps items by their key, which
is all that the contestants ask of it; no request is checked, for nobody but them is on the line.
"""

from __future__ import annotations

import json
import os
import socket
import ssl
import sys
import threading
import zlib
from base64 import urlsafe_b64encode
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any, Final

LOOPBACK: Final = "127.0.0.1"

_RECEIVED_AT_ONCE: Final = 65_536

Respond = Callable[[str, Mapping[str, str], bytes], bytes]
"""From the request's target, headers (names in lower case) and body to the answer's JSON."""


class DynamoDB:
    """Keeps and gives items; every table is there, and every item has `pk` and `sk`."""

    def __init__(self) -> None:
        self._items: dict[tuple[str, str, str], Any] = {}

    def respond(self, _target: str, headers: Mapping[str, str], body: bytes) -> bytes:
        """Answer one call of the API, version 20120810."""
        operation = headers["x-amz-target"].rpartition(".")[2]
        request = json.loads(body)
        answer = getattr(self, f"_{operation}")(request)
        return json.dumps(answer, separators=(",", ":")).encode()

    def _GetItem(self, request: Any) -> Any:  # noqa: N802 - the operation's own name
        item = self._items.get(_place(request["TableName"], request["Key"]))
        return {} if item is None else {"Item": item}

    def _PutItem(self, request: Any) -> Any:  # noqa: N802
        self._items[_place(request["TableName"], request["Item"])] = request["Item"]
        return {}

    def _BatchGetItem(self, request: Any) -> Any:  # noqa: N802
        found = {
            table: [
                item
                for key in wanted["Keys"]
                if (item := self._items.get(_place(table, key))) is not None
            ]
            for table, wanted in request["RequestItems"].items()
        }
        return {"Responses": found, "UnprocessedKeys": {}}

    def _BatchWriteItem(self, request: Any) -> Any:  # noqa: N802
        for table, writes in request["RequestItems"].items():
            for write in writes:
                item = write["PutRequest"]["Item"]
                self._items[_place(table, item)] = item
        return {"UnprocessedItems": {}}


def _place(table: str, item: Mapping[str, Any]) -> tuple[str, str, str]:
    return table, item["pk"]["S"], item["sk"]["S"]


def secrets_manager(_target: str, _headers: Mapping[str, str], body: bytes) -> bytes:
    """Give a developer token that nobody signed and that does not end soon."""
    parts = ({"alg": "ES256", "kid": "SAMPLE1234"}, {"iss": "SAMPLE5678", "exp": 4_000_000_000})
    encoded = [urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=") for part in parts]
    token = b".".join((*encoded, b"c2FtcGxl" * 8)).decode()
    name = json.loads(body)["SecretId"]
    return json.dumps({"Name": name, "SecretString": token}).encode()


def apple_music(target: str, _headers: Mapping[str, str], _body: bytes) -> bytes:
    """Say of each song that is asked for that the user likes it."""
    path, _, query = target.partition("?")
    if query:
        ids = query.removeprefix("ids=").replace("%2C", ",").split(",")
    else:
        path, _, song = path.rpartition("/")
        ids = [song]
    ratings = [
        {"id": id_, "type": "ratings", "href": f"{path}/{id_}", "attributes": {"value": 1}}
        for id_ in ids
    ]
    return json.dumps({"data": ratings}, separators=(",", ":")).encode()


def serve(listener: socket.socket, tls: ssl.SSLContext, respond: Respond) -> None:
    """Accept connections for ever, each in a thread of its own."""
    while True:
        connection, _ = listener.accept()
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        thread = threading.Thread(target=_converse, args=(connection, tls, respond), daemon=True)
        thread.start()


def _converse(connection: socket.socket, tls: ssl.SSLContext, respond: Respond) -> None:
    with suppress(OSError), tls.wrap_socket(connection, server_side=True) as line:
        received = b""
        while True:
            while (end := received.find(b"\r\n\r\n")) < 0:
                more = line.recv(_RECEIVED_AT_ONCE)
                if not more:
                    return
                received += more
            first, *rest = received[:end].decode("latin-1").split("\r\n")
            fields = (each.partition(":") for each in rest)
            headers = {name.lower(): value.strip() for name, _, value in fields}
            start, length = end + 4, int(headers.get("content-length", "0"))
            while len(received) < start + length:
                received += line.recv(_RECEIVED_AT_ONCE)
            target = first.split(" ")[1]
            body = respond(target, headers, received[start : start + length])
            received = received[start + length :]
            # DynamoDB tells the checksum of each body, and botocore compares.
            head = (
                "HTTP/1.1 200 OK\r\nServer: Server\r\nConnection: keep-alive\r\n"
                "Content-Type: application/json\r\n"
                "x-amzn-RequestId: 9GTQ3V1V0VJ3B6OGJ8M2QH4R3VVV4KQNSO5AEMVJF66Q9ASUAAJG\r\n"
                f"x-amz-crc32: {zlib.crc32(body)}\r\nContent-Length: {len(body)}\r\n\r\n"
            )
            line.sendall(head.encode("latin-1") + body)


SERVICES: Final[Mapping[str, Callable[[], Respond]]] = {
    "dynamodb": lambda: DynamoDB().respond,
    "secrets_manager": lambda: secrets_manager,
    "apple_music": lambda: apple_music,
}


def main(service: str, certificate: str) -> None:
    """Serve until standard input ends, which it does when the bench is gone."""
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(certificate)
    listener = socket.create_server((LOOPBACK, 0))
    arguments = (listener, tls, SERVICES[service]())
    threading.Thread(target=serve, args=arguments, daemon=True).start()
    sys.stdout.write(f"{listener.getsockname()[1]}\n")
    sys.stdout.flush()
    while os.read(sys.stdin.fileno(), 1):
        pass


if __name__ == "__main__":
    main(*sys.argv[1:])
