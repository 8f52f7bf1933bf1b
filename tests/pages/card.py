"""The review card without a browser: what the page hands it, and presses as the browser sends them."""

import json
from itertools import count

from streamlit.testing.v1 import AppTest

from ui.review_pairs import CARD

_NUMBERS = count(1)
CLIENT = "tab"


def hand(at: AppTest) -> dict:
    """What the card was handed last."""
    (card,) = at.get("bidi_component")
    return json.loads(card.proto.json)


def rows(at: AppTest) -> list[str]:
    """The ids of the pairs to come."""
    return [row["id"] for row in hand(at)["cards"]]


def shown(at: AppTest) -> str:
    """The id of the pair on the screen; "" where none is."""
    return next(iter(rows(at)), "")


def send(at: AppTest, *presses: dict) -> AppTest:
    """Hand presses over as the browser does, numbered where they are not."""
    numbered = [{"client": CLIENT, "number": next(_NUMBERS)} | one for one in presses]
    nonce = f"{CLIENT}/{numbered[-1]['number']}" if numbered else CLIENT
    at.session_state[CARD] = {"presses": {"nonce": nonce, "list": numbered}}
    at.run()
    assert not at.exception
    return at


def say(at: AppTest, says: str, **more: object) -> AppTest:
    """Say something of the pair on the screen."""
    row = hand(at)["cards"][0]
    return send(at, {"act": "say", "card": row["id"], "shown": row["shown"], "says": says} | more)


def undo(at: AppTest) -> AppTest:
    return send(at, {"act": "undo"})
