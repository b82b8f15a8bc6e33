"""Canned DynamoDB, Secrets Manager and Apple Music over TLS, each in its own process.

    python -m bench.servers {dynamodb | secrets_manager | apple_music} CERTIFICATE_CHAIN_AND_KEY

A server prints its port, and serves until standard input ends. It does not check requests: only
the variants connect to it.
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

_RECEIVE_BYTES: Final = 65_536

Respond = Callable[[str, Mapping[str, str], bytes], Any]
"""Takes a request's target, headers (names in lower case) and body; returns the response's JSON."""


class DynamoDB:
    """Keeps items by table, `pk` and `sk`; a request may name any table."""

    def __init__(self) -> None:
        self._items: dict[tuple[str, str, str], Any] = {}

    def respond(self, _target: str, headers: Mapping[str, str], body: bytes) -> Any:
        """Perform one operation of DynamoDB's API, version 20120810."""
        operation, request = headers["x-amz-target"].rpartition(".")[2], json.loads(body)
        match operation:
            case "GetItem":
                item = self._items.get(_primary_key(request["TableName"], request["Key"]))
                return {} if item is None else {"Item": item}
            case "PutItem":
                self._put(request["TableName"], request["Item"])
                return {}
            case "BatchGetItem":
                found = {
                    table: [
                        self._items[place]
                        for key in keys["Keys"]
                        if (place := _primary_key(table, key)) in self._items
                    ]
                    for table, keys in request["RequestItems"].items()
                }
                return {"Responses": found, "UnprocessedKeys": {}}
            case "BatchWriteItem":
                for table, writes in request["RequestItems"].items():
                    for write in writes:
                        self._put(table, write["PutRequest"]["Item"])
                return {"UnprocessedItems": {}}
        raise NotImplementedError(operation)

    def _put(self, table: str, item: Mapping[str, Any]) -> None:
        self._items[_primary_key(table, item)] = item


def _primary_key(table: str, item: Mapping[str, Any]) -> tuple[str, str, str]:
    return table, item["pk"]["S"], item["sk"]["S"]


def secrets_manager(_target: str, _headers: Mapping[str, str], body: bytes) -> Any:
    """Return an unsigned developer token that does not expire soon."""
    parts = ({"alg": "ES256", "kid": "SAMPLE1234"}, {"iss": "SAMPLE5678", "exp": 4_000_000_000})
    encoded = [urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=") for part in parts]
    token = b".".join((*encoded, b"c2FtcGxl" * 8)).decode()
    return {"Name": json.loads(body)["SecretId"], "SecretString": token}


def apple_music(target: str, _headers: Mapping[str, str], _body: bytes) -> Any:
    """Return a like for each requested song."""
    path, _, query = target.partition("?")
    if query:
        ids = query.removeprefix("ids=").replace("%2C", ",").split(",")
    else:
        path, _, song = path.rpartition("/")
        ids = [song]
    return {
        "data": [
            {"id": id_, "type": "ratings", "href": f"{path}/{id_}", "attributes": {"value": 1}}
            for id_ in ids
        ]
    }


def _serve(listener: socket.socket, tls: ssl.SSLContext, respond: Respond) -> None:
    while True:
        connection, _ = listener.accept()
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        thread = threading.Thread(target=_handle, args=(connection, tls, respond), daemon=True)
        thread.start()


def _handle(connection: socket.socket, tls: ssl.SSLContext, respond: Respond) -> None:
    with suppress(OSError), tls.wrap_socket(connection, server_side=True) as stream:
        received = b""
        while True:
            while (end := received.find(b"\r\n\r\n")) < 0:
                more = stream.recv(_RECEIVE_BYTES)
                if not more:
                    return
                received += more
            first, *rest = received[:end].decode("latin-1").split("\r\n")
            fields = (field.partition(":") for field in rest)
            headers = {name.lower(): value.strip() for name, _, value in fields}
            start, length = end + 4, int(headers.get("content-length", "0"))
            while len(received) < start + length:
                received += stream.recv(_RECEIVE_BYTES)
            response = respond(first.split(" ")[1], headers, received[start : start + length])
            received = received[start + length :]
            body = json.dumps(response, separators=(",", ":")).encode()
            # botocore checks each body against the checksum that DynamoDB sends.
            head = (
                "HTTP/1.1 200 OK\r\nServer: Server\r\nConnection: keep-alive\r\n"
                "Content-Type: application/json\r\n"
                "x-amzn-RequestId: 9GTQ3V1V0VJ3B6OGJ8M2QH4R3VVV4KQNSO5AEMVJF66Q9ASUAAJG\r\n"
                f"x-amz-crc32: {zlib.crc32(body)}\r\nContent-Length: {len(body)}\r\n\r\n"
            )
            stream.sendall(head.encode("latin-1") + body)


SERVICES: Final[Mapping[str, Respond]] = {
    "dynamodb": DynamoDB().respond,
    "secrets_manager": secrets_manager,
    "apple_music": apple_music,
}


def main(service: str, certificate: str) -> None:
    """Serve until the bench closes standard input."""
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(certificate)
    listener = socket.create_server((LOOPBACK, 0))
    arguments = (listener, tls, SERVICES[service])
    threading.Thread(target=_serve, args=arguments, daemon=True).start()
    sys.stdout.write(f"{listener.getsockname()[1]}\n")
    sys.stdout.flush()
    while os.read(sys.stdin.fileno(), 1):
        pass


if __name__ == "__main__":
    main(*sys.argv[1:])
