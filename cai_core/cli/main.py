"""The command group. A command's file is imported when it is called, so `--help` stays fast.

Each command `NAME` is the click command `NAME` in cai_core/cli/NAME.py, dashes as underscores.
"""

from importlib import import_module
from typing import Any

import click

from cai_core import __version__
from cai_core.cli.running import sentence_of

COMMANDS = {  # in the order of the help: what each does
    "init": "Make the workspace and seed it.",
    "doctor": "Say what is wrong with this machine and how to mend it.",
    "models": "List models, fetch the built-in one; merge adapters; push to the Hub.",
    "constitution": "Lint, show, compare, test, import and export constitutions.",
    "prompts": "Let a model write edge cases for principles.",
    "revise": "Answer, criticise and revise prompts under a constitution.",
    "sample-pairs": "Sample two answers to every prompt.",
    "judge": "Judge pairs under a constitution, in both orders.",
    "labels": "Say how right labels are; learn a judge from people's; bring them in, write them out.",
    "features": "Read the answers of pairs once, for learned judges.",
    "impact": "See what an edit of a constitution changes, and whether it is real.",
    "impact-revisions": "See what an edit makes of the same answers when they are revised.",
    "dataset": "Build, show and export frozen datasets.",
    "train": "Train by SFT, a reward model, PPO, or the chain of them.",
    "export": "Write data, settings and commands for another project's trainer.",
    "serve-reward": "Answer over HTTP how a reward model scores.",
    "evaluate": "Compare two models, or revisions; say what votes show; choose the best of n.",
    "jobs": "List, follow, cancel and resume jobs.",
}


def _module(name: str) -> str:
    return f"cai_core.cli.{name.replace('-', '_')}"


class LazyGroup(click.Group):
    """A group whose commands are looked up in COMMANDS and imported on call."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = getattr(
            import_module(_module(cmd_name)), cmd_name.replace("-", "_")
        )
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        names = self.list_commands(ctx)
        if names:
            with formatter.section("Commands"):
                formatter.write_dl([(name, COMMANDS[name]) for name in names])

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command; what a person can mend is one sentence on stderr and exit 1."""
        try:
            return super().invoke(ctx)
        except Exception as error:
            sentence = sentence_of(error)
            if sentence is None:
                raise
            click.echo(f"error: {sentence}", err=True)
            ctx.exit(1)


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="ratify", message="%(prog)s %(version)s")
def main() -> None:
    """Constitutional AI from the command line: the stages that the workbench runs as jobs."""
