"""A small HTTP server that answers as it is told, and keeps what it was asked."""

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

JSON = "application/json"
EVENTS = "text/event-stream"


@dataclass(frozen=True)
class Reply:
    """One answer of the server; `cut` closes the connection before its promised length."""

    body: str
    status: int = 200
    kind: str = JSON
    headers: Mapping[str, str] = field(default_factory=dict)
    cut: bool = False


def completion(text: str | None, *, reason: str = "stop", logprobs: Any = None) -> Reply:
    message = {"role": "assistant", "content": text}
    choice = {"index": 0, "message": message, "finish_reason": reason, "logprobs": logprobs}
    usage = {"prompt_tokens": 7, "completion_tokens": 3, "total_tokens": 10}
    head = {"id": "x", "object": "chat.completion", "created": 1, "model": "m"}
    return Reply(json.dumps(head | {"choices": [choice], "usage": usage}))


def scored(**logs: float) -> Reply:
    top = [{"token": token, "logprob": value, "bytes": None} for token, value in logs.items()]
    first = top[0] | {"top_logprobs": top}
    return completion(top[0]["token"], logprobs={"content": [first]})


def failure(status: int, message: str, **headers: str) -> Reply:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Reply(json.dumps({"error": {"message": message}}), status, headers=named)


def chunks(*pieces: str, finished: bool = True, cut: bool = False) -> Reply:
    """A streamed answer in server-sent events."""
    head = {"id": "x", "object": "chat.completion.chunk", "created": 1, "model": "m"}
    lines = [
        head | {"choices": [{"index": 0, "delta": {"content": piece}, "finish_reason": None}]}
        for piece in pieces
    ]
    if finished:
        lines.append(head | {"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]})
    body = "".join(f"data: {json.dumps(line)}\n\n" for line in lines)
    return Reply(body + ("data: [DONE]\n\n" if finished else ""), kind=EVENTS, cut=cut)


@dataclass
class Stub:
    """Answers in this order, the last one for ever; or whatever `reply` makes of a request."""

    replies: list[Reply] = field(default_factory=list)
    reply: Callable[[dict[str, Any]], Reply] | None = None
    asked: list[dict[str, Any]] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    models: Reply | None = None  # of GET /models
    url: str = ""

    def next(self, body: dict[str, Any]) -> Reply:
        self.asked.append(body)
        if self.reply:
            return self.reply(body)
        return self.replies.pop(0) if len(self.replies) > 1 else self.replies[0]


@contextmanager
def serving(stub: Stub) -> Iterator[Stub]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            length = int(self.headers["Content-Length"])
            stub.headers.append({name.lower(): value for name, value in self.headers.items()})
            self._send(stub.next(json.loads(self.rfile.read(length))))

        def do_GET(self) -> None:
            self._send(stub.models or failure(404, "nothing here"))

        def _send(self, answer: Reply) -> None:
            data = answer.body.encode()
            self.send_response(answer.status)
            self.send_header("Content-Type", answer.kind)
            self.send_header("Content-Length", str(len(data) + 100 * answer.cut))
            for name, value in answer.headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *args: Any) -> None:
            """Say nothing."""

    class Server(ThreadingHTTPServer):
        def handle_error(self, request: Any, client_address: Any) -> None:
            """A client that gave up is no fault of the server."""

    server = Server(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    stub.url = f"http://127.0.0.1:{server.server_address[1]}/v1"
    try:
        yield stub
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
