import json
from typing import Any

import pytest

from cai_core.errors import ModelError
from cai_core.models import capabilities
from cai_core.models.capabilities import UNKNOWN_CONTEXT, Capabilities
from cai_core.models.endpoint import EndpointModel
from cai_core.schema import Sampling, assistant, user
from cai_core.settings import Endpoint
from tests.models.stub import Reply, Stub, completion, failure, scored, serving

FEW = Sampling(max_new_tokens=9, temperature=0.0)
MODELS = Reply(json.dumps({"data": [{"id": "other"}, {"id": "llama", "max_model_len": 8192}]}))
LIMITS = {"x-ratelimit-remaining-requests": "9", "x-ratelimit-limit-requests": "10"}


def able(body: dict[str, Any]) -> Reply:
    """A server that can do everything."""
    if body.get("logprobs"):
        return scored(A=-0.1, B=-2.0, C=-3.0)
    if body["messages"][-1]["role"] == "assistant":
        return completion("is, of course.")
    return Reply(completion("Paris.").body, headers=LIMITS)


def unable(body: dict[str, Any]) -> Reply:
    """A hosted service that takes little."""
    for name in ("top_k", "seed", "continue_final_message"):
        if name in body:
            return failure(400, f"Unrecognized request argument supplied: {name}")
    if body.get("logprobs"):
        return failure(400, "logprobs are not supported")
    return completion("The capital of France is Paris.")


def lab(stub: Stub, **more: Any) -> Endpoint:
    return Endpoint(
        **{"name": "lab", "base_url": stub.url, "retries": 0, "models": ["llama"], **more}
    )


def test_a_probe_finds_what_a_server_can_do_and_it_is_kept():
    with serving(Stub(reply=able, models=MODELS)) as stub:
        found = EndpointModel(lab(stub), "llama").probe()
        assert (found.top_logprobs, found.continues, found.thinks) == (3, True, False)
        assert (found.refused, found.context) == ((), 8192)
        assert found.seconds is not None
        assert found.probed
        asked = len(stub.asked)
        assert capabilities.known(lab(stub), "llama") == found
        assert EndpointModel(lab(stub), "llama").context == 8192
        assert len(stub.asked) == asked
    assert capabilities.notes(found) == []


def test_a_probe_finds_what_a_server_cannot_do():
    with serving(Stub(reply=unable)) as stub:
        found = EndpointModel(lab(stub), "llama").probe()
    assert (found.top_logprobs, found.continues, found.context) == (0, False, None)
    assert set(found.refused) == {"top_k", "seed", "continue_final_message"}
    notes = " ".join(capabilities.notes(found))
    assert "judge by 'repeat'" in notes
    assert "begins a new turn" in notes


def test_rate_limit_headers_are_named():
    with serving(Stub(reply=lambda body: Reply(able(body).body, headers=LIMITS))) as stub:
        found = EndpointModel(lab(stub), "llama").probe()
    assert set(found.rate_limits) == set(LIMITS)


def test_a_thinking_model_is_known_by_its_thinking():
    said = completion("<think>Paris, or Lyon?</think>Paris.")
    with serving(Stub([said])) as stub:
        found = EndpointModel(lab(stub), "llama").probe()
    assert found.thinks


def test_a_server_that_does_not_answer_is_not_written_down():
    with serving(Stub([failure(401, "bad key")])) as stub:
        with pytest.raises(ModelError, match="401"):
            EndpointModel(lab(stub), "llama").probe()
        assert capabilities.known(lab(stub), "llama") == Capabilities()


def test_other_settings_of_the_endpoint_mean_that_nothing_is_known(
    monkeypatch: pytest.MonkeyPatch,
):
    monkeypatch.setenv("LAB_KEY", "s3cret")
    with serving(Stub(reply=able, models=MODELS)) as stub:
        EndpointModel(lab(stub), "llama").probe()
        assert capabilities.known(lab(stub, concurrency=1), "llama").probed
        assert capabilities.known(lab(stub, key_variable="LAB_KEY"), "llama") == Capabilities()
        assert capabilities.known(lab(stub), "other") == Capabilities()
        assert capabilities.window(lab(stub), "other") == UNKNOWN_CONTEXT


def test_a_file_that_cannot_be_read_is_as_none():
    capabilities.path().parent.mkdir(parents=True)
    capabilities.path().write_text("{half")
    with serving(Stub(reply=able, models=MODELS)) as stub:
        assert capabilities.known(lab(stub), "llama") == Capabilities()
        EndpointModel(lab(stub), "llama").probe()
        assert capabilities.known(lab(stub), "llama").probed


def test_whether_a_begun_turn_is_continued_is_asked_once_for_all_threads():
    begun = [(user(f"Capital {n}?"), assistant("It is")) for n in range(20)]
    with serving(Stub(reply=able)) as stub:
        EndpointModel(lab(stub), "llama").generate(begun, FEW)
        assert len(stub.asked) == 21
        EndpointModel(lab(stub), "llama").generate(begun, FEW)
        assert len(stub.asked) == 41  # it stands in the workspace


def test_a_server_that_refuses_begun_turns_begins_anew():
    def reply(body: dict[str, Any]) -> Reply:
        begun = body["messages"][-1]["role"] == "assistant"
        return failure(400, "the last turn must be a user's") if begun else completion("Paris")

    with serving(Stub(reply=reply)) as stub:
        chat = (user("Capital?"), assistant("It is"))
        model = EndpointModel(lab(stub), "llama")
        assert model.generate([chat], FEW)[0].text == "Paris"
