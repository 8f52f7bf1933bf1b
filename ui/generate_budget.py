"""What an endpoint will take for a job: an estimate before it starts, and a budget to hold it to."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import streamlit as st

from cai_core.constitution import document
from cai_core.errors import CaiError
from cai_core.feedback import estimate
from cai_core.feedback.estimate import Estimate
from cai_core.feedback.revise import ReviseSettings
from cai_core.impact.edit import Edit
from cai_core.impact.estimate import of_impact
from cai_core.impact.plan import plan
from cai_core.jobs.queue import Submission
from cai_core.models import capabilities
from cai_core.models.budget import cost_of
from cai_core.schema import Pair, Prompt, Sampling
from cai_core.settings import Endpoint, JudgeSetting, Settings
from ui.plain import label

KINDS = ("judge", "revise", "sample-pairs", "impact")


def endpoint_of(job: Submission) -> tuple[Endpoint, str] | None:
    """The endpoint and the model that a job asks; None where it asks none of the settings."""
    named = str(job.options.get("model") or job.options.get("judge") or "")
    place, _, model = named.removeprefix("endpoint:").partition("/")
    if job.kind not in KINDS or not named.startswith("endpoint:"):
        return None
    found = (e for e in Settings.load().endpoints if e.name == place)
    return next(((e, model) for e in found), None)


def with_budget(job: Submission, endpoint: Endpoint) -> Submission:
    """The job within the budget that is asked for here."""
    with st.container(horizontal=True):
        tokens = st.number_input(
            "Tokens, at most",
            value=None,
            min_value=1,
            step=1000,
            key=f"budget_tokens_{job.kind}",
            placeholder="no limit",
            help="Read and written together, over all attempts of this job. It ends before it takes"
            " more; started again with a higher limit, what is finished costs nothing.",
        )
        priced = cost_of(endpoint, 0, 0) is not None
        cost = st.number_input(
            "Cost, at most",
            value=None,
            min_value=0.01,
            key=f"budget_cost_{job.kind}",
            placeholder="no limit" if priced else "prices not known",
            disabled=not priced,
            help="At the prices of the settings page.",
        )
    budget = {"budget_tokens": tokens, "budget_cost": cost if priced else None}
    given = {name: value for name, value in budget.items() if value is not None}
    return replace(job, options={**job.options, **given})


def words(job: Submission, endpoint: Endpoint, *, mark: str) -> str:
    """What the job may take, in a sentence."""
    try:
        found = _estimate(mark, Settings.load().judge.model_dump_json(), _job=job)
    except CaiError as error:
        return f"What it takes cannot be estimated: {label(str(error), limit=200)}"
    read, written = number_words(found.prompt_tokens), number_words(found.tokens)
    asked = f"At most about {read} tokens read and {written} written"
    cost = cost_of(endpoint, found.prompt_tokens, found.tokens)
    if cost is None:
        return f"{asked}; what that costs is not known without this endpoint's prices."
    return (
        f"{asked}, about {cost:,.2f} at this endpoint's prices. What the cache has costs nothing."
    )


def number_words(number: int) -> str:
    """
    >>> number_words(812), number_words(41_230), number_words(1_234_567)
    ('812', '41,000', '1.2 million')
    """
    if number >= 1_000_000:
        return f"{number / 1e6:,.1f} million"
    return f"{round(number, -3):,}" if number >= 10_000 else f"{number:,}"


@st.cache_data(max_entries=32, show_spinner=False)
def _estimate(mark: str, judge: str, *, _job: Submission) -> Estimate:
    """Counted once for each job and judge setting."""
    found = endpoint_of(_job)
    window = capabilities.window(*found) if found else capabilities.UNKNOWN_CONTEXT
    options, files = dict(_job.options), _job.files
    if _job.kind == "impact":
        return _of_impact(_job, _setting(options, judge), window)
    rows: Any = files["input.jsonl"]
    if _job.kind == "judge":
        pairs = [Pair.from_row(row) for row in rows]
        return estimate.of_judging(pairs, _rules(files), _setting(options, judge), context=window)
    prompts = [Prompt.from_row(row) for row in rows]
    sampling = Sampling(options.get("max_new_tokens", 256), options.get("temperature", 1.0))
    if _job.kind == "sample-pairs":
        return estimate.of_sampling(prompts, sampling, context=window)
    known = {k: v for k, v in options.items() if k in ("rounds", "principle", "stepwise")}
    settings = ReviseSettings(**known, sampling=sampling)
    return estimate.of_revising(prompts, _rules(files), settings, context=window)


def _setting(options: Mapping[str, Any], judge: str) -> JudgeSetting:
    """The workspace's judge setting, as JSON, with what the job says otherwise."""
    given = {k: v for k, v in options.items() if k in JudgeSetting.model_fields and v is not None}
    base = JudgeSetting.model_validate_json(judge).model_dump()
    return JudgeSetting.model_validate({**base, "model": options["judge"], **given})


def _of_impact(job: Submission, setting: JudgeSetting, window: int) -> Estimate:
    files: Any = job.files
    old, new = (document.parse(files[name]) for name in ("from.yaml", "to.yaml"))
    check = not job.options.get("no_check")
    planned = plan(Edit(old, new), setting, placebos=int(job.options.get("placebos") or 0))
    pairs = [Pair.from_row(row) for row in files["pairs.jsonl"]]
    return of_impact(pairs, planned, setting, check=check, context=window)


def _rules(files: Any) -> Any:
    return document.parse(files["constitution.yaml"])
