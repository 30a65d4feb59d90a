"""A real HTTP server that answers as a test tells it."""

import ssl
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Event, Thread

DROP = 0
HANG = -1


@dataclass(frozen=True)
class Request:
    path: str
    headers: dict[str, str]
    body: bytes
    peer: int


@dataclass
class Gateway:
    """What a server answers, and what it was asked.

    Attributes:
        status: Of every answer; or `DROP` or `HANG`.
        headers: Of every answer.
        body: Of every answer.
        missing: Bytes that the answer promises and does not send.
        requests: What came.
    """

    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    missing: int = 0
    requests: list[Request] = field(default_factory=list)
    is_over: Event = field(default_factory=Event)


def _handler(gateway: Gateway) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            headers = {name.lower(): value for name, value in self.headers.items()}
            gateway.requests.append(Request(self.path, headers, body, self.client_address[1]))
            if gateway.status == HANG:
                gateway.is_over.wait(30)
            if gateway.status in (DROP, HANG):
                self.close_connection = True
                return
            with suppress(OSError):
                self._answer()

        def _answer(self) -> None:
            self.send_response(gateway.status)
            for name, value in gateway.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(gateway.body) + gateway.missing))
            self.end_headers()
            self.wfile.write(gateway.body)
            self.close_connection = gateway.missing > 0

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            """Say nothing."""

    return Handler


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing: clients that leave are what the tests are about."""


@contextmanager
def serving(gateway: Gateway, *, tls: ssl.SSLContext | None = None) -> Iterator[int]:
    """Serve a gateway on 127.0.0.1 and give its port."""
    with _Server(("127.0.0.1", 0), _handler(gateway)) as server:
        if tls is not None:
            server.socket = tls.wrap_socket(server.socket, server_side=True)
        thread = Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        try:
            yield int(server.server_address[1])
        finally:
            gateway.is_over.set()
            server.shutdown()
            thread.join(30)


def certificate(folder: Path, name: str) -> tuple[Path, ssl.SSLContext]:
    """Return a certificate for `DNS:host` or `IP:address`, and a server's context with it."""
    key, path = folder / "server.key", folder / "server.crt"
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"]
    command += ["-nodes", "-days", "2", "-subj", "/CN=test", "-keyout", str(key)]
    command += ["-addext", f"subjectAltName={name}", "-out", str(path)]
    subprocess.run(command, check=True, capture_output=True)  # noqa: S603 - our own words
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(path, key)
    return path, context
