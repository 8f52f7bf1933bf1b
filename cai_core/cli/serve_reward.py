"""`serve-reward`: a reward model behind HTTP, as OpenRLHF's and verl's exports call it."""

import ipaddress
from typing import TYPE_CHECKING

import click

from cai_core.cli.running import Running, stage_options
from cai_core.errors import CaiError
from cai_core.schema import Row

if TYPE_CHECKING:
    from cai_core.train.export.queries import Template
    from cai_core.train.export.server import RewardServer, Score

PORT = 8765
_POLL_S = 0.5  # how soon a stop is heard


@click.command("serve-reward")
@click.option("--model", required=True, metavar="M", help="Reward model: run:ID or a folder.")
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen at.")
@click.option("--port", type=click.IntRange(0, 65535), default=PORT, show_default=True)
@click.option(
    "--token",
    envvar="RATIFY_REWARD_TOKEN",
    default="",
    help="What clients must send; needed for other addresses than this machine's.",
)
@stage_options
def serve_reward(running: Running, *, model: str, host: str, port: int, token: str) -> Row:
    """Answer POST /get_reward with scores until Ctrl-C, one request at a time through the model.

    It speaks OpenRLHF's remote reward protocol, and takes plain chats: {"chats": [[{role, content}, ...]]}.
    """
    if not _is_loopback(host) and not token:
        raise click.UsageError(
            f"--host {host} is reachable from other machines: set RATIFY_REWARD_TOKEN (or --token) too"
        )
    score, template = _loaded(model)
    server = _server((host, port), score, template, token)
    with server:
        running.say(
            f"{model} answers at http://{host}:{server.server_port}/get_reward; Ctrl-C ends it"
        )
        server.timeout = _POLL_S
        while not running.flag.asked:
            server.handle_request()
    running.say(f"{server.answered} chats were scored")
    return {"scored": server.answered}


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _server(
    place: tuple[str, int], score: "Score", template: "Template", token: str
) -> "RewardServer":
    from cai_core.train.export.server import RewardServer

    try:
        return RewardServer(place, score, template, token=token)
    except OSError as error:
        host, port = place
        raise CaiError(
            f"cannot listen at {host}:{port} ({error.strerror}); choose another --port"
        ) from error


def _loaded(model: str) -> "tuple[Score, Template]":
    from cai_core.models.catalogue import resolve
    from cai_core.train.export.queries import Template
    from cai_core.train.reward_model import RewardModel

    judge = RewardModel.load(resolve(model))
    tokenizer = judge.tokenizer

    def render(rows: list[Row]) -> str:
        return str(tokenizer.apply_chat_template(rows, tokenize=False))

    return judge.score, Template(render, tuple(tokenizer.all_special_tokens))
