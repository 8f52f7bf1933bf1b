"""The stages of a chain that make and use models, each from files to files; a finished one is kept."""

from collections.abc import Iterator, Sequence

from cai_core.cli.chain_context import Chain, read_json, read_rows, write_json
from cai_core.cli.chain_labels import panel_of
from cai_core.schema import Hooks, Label, Prompt, Row, content_hash
from cai_core.train.card import Run
from cai_core.train.loop import Task
from cai_core.train.rows import TrainingData


def train_sft(chain: Chain) -> Run:
    """OUT/sft: the supervised policy."""
    from cai_core.train import sft

    plan = chain.plan
    config = plan.config.stage("sft")
    task = Task(
        "sft",
        plan.sft,
        plan.base,
        chain.out / "sft",
        config,
        base_model=plan.config.model,
        hooks=chain.hooks("sft"),
    )
    return sft.train(task)


def train_reward(chain: Chain, data: TrainingData) -> Run:
    """OUT/reward: a reward model that starts from the supervised policy."""
    from cai_core.train import reward

    config = chain.plan.config
    task = Task(
        "reward",
        data,
        chain.out / "sft",
        chain.out / "reward",
        config.stage("reward"),
        base_model=chain.model_id("sft"),
        judges=config.judge.judges,
        hooks=chain.hooks("reward"),
    )
    return reward.train(task)


def preview_reward(chain: Chain) -> Row:
    """OUT/best_of_n.json: what the reward model loves and hates among the policy's answers."""
    path = chain.out / "best_of_n.json"
    if path.exists():
        return read_json(path)
    from cai_core.evaluate.best_of_n import best_of_n
    from cai_core.train.reward_model import RewardModel

    config = chain.plan.config
    judge = RewardModel.load(chain.out / "reward")
    preview = best_of_n(
        chain.plan.prompts["dev"][: config.best_of_n_prompts],
        chain.load(chain.model_id("sft")),
        lambda chats: judge.score(chats, hooks=chain.hooks("best-of-n")),
        n=config.best_of_n,
        sampling=chain.sampling(more=2),  # the pairs had the first two seeds
        hooks=chain.hooks("best-of-n"),
    )
    return write_json(path, preview.to_row())


def train_ppo(chain: Chain) -> Run:
    """OUT/ppo: the policy trained against the reward model."""
    from cai_core.train import ppo

    plan = chain.plan
    task = Task(
        "ppo",
        TrainingData.load(plan.prompts_path, "prompts"),
        chain.out / "sft",
        chain.out / "ppo",
        plan.config.stage("ppo"),
        base_model=chain.model_id("sft"),
        reward_model=chain.model_id("reward"),
        hooks=chain.hooks("ppo"),
    )
    return ppo.train(task, reward=chain.out / "reward")


def compare(chain: Chain) -> list[Row]:
    """OUT/comparison.json: PPO against SFT and against the base model, on test prompts."""
    path = chain.out / "comparison.json"
    if path.exists():
        rows: list[Row] = read_json(path)["comparisons"]
        return rows
    against = {"sft": chain.model_id("sft"), "base": chain.plan.config.model}
    found = [_against(chain, name, model_id) for name, model_id in against.items()]
    write_json(path, {"comparisons": found})
    return found


def _against(chain: Chain, name: str, other: str) -> Row:
    from cai_core.cli.evaluate import comparison_of

    config, models = chain.plan.config, (chain.model_id("ppo"), other)
    prompts = chain.plan.prompts["test"][: config.comparison_prompts]
    settings = {"models": models, "judge": config.judge.model_dump(mode="json")}
    settings |= {**vars(chain.sampling()), "constitution": chain.plan.constitution.hash}
    settings["prompts"] = content_hash([prompt.id for prompt in prompts])
    path = chain.out / f"comparison-{name}.jsonl"
    with chain.running.output(path, settings=settings, inputs={}) as output:
        missing = [prompt for prompt in prompts if not output.has(prompt.id)]
        for label in _contested(chain, models, missing) if missing else ():
            output.write(label.to_row())
        output.finish([prompt.id for prompt in prompts])
    labels = [Label.from_row(row) for row in read_rows(path)]
    return comparison_of(models, config.judge.annotator, chain.constitution_ref, labels).to_row()


def _contested(chain: Chain, models: tuple[str, str], prompts: Sequence[Prompt]) -> Iterator[Label]:
    from cai_core.evaluate.winrate import Contest, compare

    quiet = Hooks(should_stop=chain.running.hooks.should_stop)
    panel = panel_of(chain)
    contest = Contest(
        chain.load(models[0]),
        chain.load(models[1]),
        lambda pairs: panel.judge(pairs, hooks=quiet),
        chain.sampling(),
        panel,
    )
    return compare(prompts, contest, hooks=chain.hooks("comparison"))
