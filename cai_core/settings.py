"""Where things are, and `settings.yaml` of the workspace. No secret stands in it."""

import os
from pathlib import Path
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from cai_core.errors import CaiError
from cai_core.schema import PrincipleMode
from cai_core.schema.ballots import Combine, panel_id

PROJECT_DIR = Path(__file__).resolve().parent.parent
DATA_DIR = PROJECT_DIR / "data"
BUILTIN = "builtin:smollm2-135m-instruct"


def home() -> Path:
    """The workspace: `$CAI_HOME`, else `workspace/` in the project."""
    return Path(os.environ.get("CAI_HOME") or PROJECT_DIR / "workspace").resolve()


def models_dir() -> Path:
    """Model weights and their cache: `$CAI_MODELS`, else a per-user cache folder."""
    given = os.environ.get("CAI_MODELS")
    if given:
        return Path(given).resolve()
    cache = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(cache) / "ratify" / "models"


def database_path() -> Path:
    return home() / "ratify.db"


def runs_dir() -> Path:
    return home() / "runs"


def heads_dir() -> Path:
    """Learned judges, a folder each."""
    return home() / "heads"


def datasets_dir() -> Path:
    return home() / "datasets"


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, validate_default=True)


class Endpoint(_Strict):
    """A server that speaks the OpenAI chat protocol."""

    name: str = Field(pattern=r"^[A-Za-z0-9._-]+$", description="short name, used in model ids")
    base_url: str = Field(pattern=r"^https?://", description="for example http://127.0.0.1:8000/v1")
    key_variable: str = Field("", description="NAME of the environment variable with the key")
    models: tuple[str, ...] = Field((), description="names of the models to offer")
    timeout_s: float = Field(60.0, gt=0, description="seconds to wait for one answer")
    retries: int = Field(3, ge=0, le=10, description="tries after the first one failed")
    concurrency: int = Field(8, ge=1, le=256, description="requests under way at once")
    prompt_price: float | None = Field(None, ge=0, description="of a million tokens read")
    completion_price: float | None = Field(None, ge=0, description="of a million tokens written")


def usual_principles(judge: str) -> PrincipleMode:
    """How principles are asked unless told: all of them vote, on an endpoint one is drawn a pair.

    Drawing is the paper's way (CAI section 4.1), and costs an endpoint one question an order. A model
    of this machine reads the pair once for all principles.
    """
    return "draw" if judge.startswith("endpoint:") else "each"


class JudgeSetting(_Strict):
    """How pairs are judged; what is measured is only comparable under one setting."""

    model: str = Field(BUILTIN, description="who judges")
    method: Literal["logprob", "cot", "repeat"] = "logprob"
    principles: PrincipleMode = "each"
    panel: tuple[str, ...] = Field((), description="further judges; with `model` they are a panel")
    combine: Combine = Field("majority", description="how a panel's labels become one")
    abstain: bool = Field(
        False, description="a principle may say that it does not apply, and then has no vote"
    )
    examples: int = Field(0, ge=0, le=16, description="worked comparisons shown in front")
    template: str = Field("", description="comparison template; empty is the default")
    tie_band: float = Field(
        0.0, ge=0, lt=0.5, description="|p - 0.5| within this is a tie; 0 calls only 0.5 a tie"
    )
    cot_clamp: tuple[float, float] = Field(
        (0.4, 0.6), description="bounds of p after reasoning (CAI section 4.1)"
    )
    repeats: int = Field(5, ge=1, le=64, description="sampled verdicts per order under 'repeat'")
    max_rationale_tokens: int = Field(160, ge=8, le=4096)

    @property
    def judges(self) -> tuple[str, ...]:
        """Everybody who judges, each once."""
        return tuple(dict.fromkeys((self.model, *self.panel)))

    @property
    def annotator(self) -> str:
        """Whose the labels are: the judge, or the panel as one."""
        judges = self.judges
        return panel_id(judges, self.combine) if len(judges) > 1 else self.model


class Settings(_Strict):
    """The whole of settings.yaml."""

    endpoints: tuple[Endpoint, ...] = ()
    models: tuple[str, ...] = Field((), description="further model ids to offer (hf: or path:)")
    base_model: str = Field(BUILTIN, description="model that is trained and talked to first")
    judge: JudgeSetting = JudgeSetting()
    slots: int = Field(1, ge=1, le=64, description="jobs that run at once")

    @classmethod
    def load(cls, path: Path | None = None) -> Self:
        """Read settings.yaml of the workspace; all defaults where there is none.

        Raises:
            CaiError: unreadable, or a value out of range; says which and where.
        """
        path = path or home() / "settings.yaml"
        if not path.exists():
            return cls()
        try:
            raw = YAML(typ="safe").load(path.read_text(encoding="utf-8"))
        except (YAMLError, UnicodeDecodeError) as error:
            raise CaiError(f"{path} cannot be read as YAML: {_first_line(error)}") from error
        try:
            return cls.model_validate(raw or {})
        except ValidationError as error:
            raise CaiError(f"{path}: {validation_sentence(error)}") from error

    def save(self, path: Path | None = None) -> None:
        """Write settings.yaml whole or not at all."""
        path = path or home() / "settings.yaml"
        part = path.with_suffix(".part")
        with part.open("w", encoding="utf-8") as file:
            YAML().dump(self.model_dump(mode="json"), file)
        part.replace(path)

    def endpoint(self, name: str) -> Endpoint:
        for endpoint in self.endpoints:
            if endpoint.name == name:
                return endpoint
        raise CaiError(f"no endpoint is called '{name}'; add it on the settings page")


def validation_sentence(error: ValidationError) -> str:
    """The first fault of a pydantic error as one plain sentence, with its field."""
    first = error.errors()[0]
    said = first["msg"].removeprefix("Value error, ")
    if not first["loc"] and first["type"] == "value_error":  # of several fields together
        return said
    place = ".".join(str(part) for part in first["loc"]) or "value"
    return f"'{place}': {said}"


def _first_line(error: Exception) -> str:
    return " ".join(str(error).split())[:200]
