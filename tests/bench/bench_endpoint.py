"""How near the endpoint client comes to the rate that its limit of requests under way allows."""

import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from cai_core.models.capabilities import Capabilities
from cai_core.models.endpoint import EndpointModel
from cai_core.schema import Chat, Sampling, user
from cai_core.settings import Endpoint

REQUESTS, AT_ONCE, SECONDS, ROUNDS = 640, 32, 0.05, 7
BOUND = 0.9

CHATS: list[Chat] = [(user(f"Question {n}: how do I make tea? " * 20),) for n in range(REQUESTS)]
SAMPLING = Sampling(max_new_tokens=80)
RAW = b"POST /v1/chat/completions HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\n{}"


@contextmanager
def server() -> Iterator[int]:
    command = [sys.executable, "-m", "tests.bench.light_server", str(SECONDS)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        yield int(process.stdout.readline())
    finally:
        process.terminate()
        process.wait()


def latency(port: int) -> float:
    """Median seconds of one request at a time over a bare socket: what the server really takes."""
    times = []
    with socket.create_connection(("127.0.0.1", port)) as bare:
        for _ in range(20):
            began = time.perf_counter()
            bare.sendall(RAW)
            while not bare.recv(65536):
                pass
            times.append(time.perf_counter() - began)
    return statistics.median(times)


def rate(ask: Callable[[], object]) -> float:
    began = time.perf_counter()
    ask()
    return REQUESTS / (time.perf_counter() - began)


def measured() -> tuple[float, dict[str, list[float]]]:
    """The ideal rate, and the rates of both ways in alternating rounds after a first one each."""
    with server() as port:
        lab = Endpoint(name="lab", base_url=f"http://127.0.0.1:{port}/v1", concurrency=AT_ONCE)
        model = EndpointModel(lab, "m", known=Capabilities(continues=True))
        ways: dict[str, Callable[[], object]] = {
            "generate": lambda: model.generate(CHATS, SAMPLING),
            "score_choices": lambda: model.score_choices(CHATS, ["A", "B"]),
        }
        for ask in ways.values():
            ask()
        rates: dict[str, list[float]] = {name: [] for name in ways}
        floors = []
        for _ in range(ROUNDS):
            floors.append(latency(port))
            for name, ask in ways.items():
                rates[name].append(rate(ask))
    return AT_ONCE / statistics.median(floors), rates


def run() -> str:
    with tempfile.TemporaryDirectory() as folder:
        os.environ["CAI_HOME"] = folder
        ideal, rates = measured()
    lines = [
        "## Endpoint client\n",
        f"{REQUESTS} requests, {AT_ONCE} under way at once, against a server in a process of its own"
        f" that takes {1000 * SECONDS:.0f} ms an answer. Ideal is {AT_ONCE} divided by the latency of"
        f" a bare socket: {ideal:.0f} requests a second. Median of {ROUNDS} alternating rounds.\n",
        "| asked with | requests/s | of the ideal | lowest to highest | bound |",
        "|---|---|---|---|---|",
    ]
    for name, found in rates.items():
        middle = statistics.median(found)
        span = f"{min(found) / ideal:.2f} to {max(found) / ideal:.2f}"
        lines.append(f"| `{name}` | {middle:.0f} | {middle / ideal:.2f} | {span} | {BOUND} |")
    return "\n".join(lines)
