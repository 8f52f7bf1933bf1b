"""The dataset command."""

import json

import pytest
from click.testing import CliRunner

from cai_core.cli.main import main
from cai_core.cli.preference_labels import labelled_pairs
from cai_core.jobs import folder
from cai_core.schema import Label

COLUMNS = {"prompt", "chosen", "rejected", "p_chosen", "weight", "source"}
COLUMNS |= {"labelled_by", "p_people", "p_judge"}
WORDS = [
    "ant",
    "bee",
    "cat",
    "dog",
    "elk",
    "fox",
    "gnu",
    "hen",
    "ibis",
    "jay",
    "koi",
    "lynx",
    "mole",
]
WORDS += ["newt", "owl", "pig", "quail", "ram", "seal", "toad"]


def run(*arguments):
    return CliRunner().invoke(main, ["dataset", *map(str, arguments)])


def write(path, rows):
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def label_row(i, verdict="a", p_a=0.9, **more):
    word = WORDS[i % len(WORDS)] * (1 + i // len(WORDS))
    row = {"prompt": f"Tell me about the {word}", "response_a": f"one {word}"}
    row |= {"response_b": f"two {word}", "verdict": verdict, "p_a": p_a, "judge": "m"}
    return row | {"constitution": {"name": "c", "version": 1, "hash": "abc"}} | more


@pytest.fixture
def labels(tmp_path):
    rows = [label_row(i) for i in range(10)]
    rows += [label_row(10, "b", 0.2), label_row(11, "tie", 0.52), label_row(12, "bad", None)]
    rows += [label_row(13, None, None, error="no mass"), label_row(14, "skip", None)]
    return write(tmp_path / "labels.jsonl", rows)


def manifest(path):
    return json.loads((path / "manifest.json").read_text())


def dataset_rows(path):
    lines = [
        line for split in ("train", "dev", "test") for line in (path / f"{split}.jsonl").open()
    ]
    return [json.loads(line) for line in lines]


def test_preference_rows_have_trl_columns_and_what_is_left_out_is_counted(tmp_path, labels):
    out = tmp_path / "d"
    result = run("build", "--kind", "preference", "--labels", labels, "--out", out, "--json")
    assert result.exit_code == 0, result.stderr
    made = manifest(out)
    assert made | {"out": str(out)} == json.loads(result.stdout)
    assert made["dropped"] == {"tie": 1, "bad": 1, "failed": 2}
    assert made["constitution"] == {"name": "c", "version": 1, "hash": "abc"}
    assert made["constitutions"][0]["rows"] == 11
    assert made["labelled_by"] == {"judge": 11}
    rows = dataset_rows(out)
    assert set(rows[0]) == COLUMNS
    turned = next(row for row in rows if row["p_chosen"] == 0.8)
    assert turned["chosen"][0]["content"].startswith("two")


def test_ties_are_kept_as_one_half_where_asked(tmp_path, labels):
    out = tmp_path / "d"
    run("build", "--kind", "preference", "--labels", labels, "--out", out, "--filter", "keep_ties")
    assert sorted(row["p_chosen"] for row in dataset_rows(out))[0] == 0.5
    assert manifest(out)["filters"] == {"keep_ties": True}


def test_a_persons_verdict_stands_over_the_judges(tmp_path):
    person = {"blind": True, "queue": "all", "pi": 1.0, "reviewer": "Ada"}
    rows = [
        label_row(0, "a", 0.9, label="b"),
        label_row(1, "a", 0.9),
        label_row(1, "b", 0.0, kind="person", judge="Ada", review=person),
        label_row(2, "a", 0.9, label="bad"),
        label_row(3, "a", 0.9),
        label_row(3, "a", 1.0, kind="person", judge="Ada", review=person),
        label_row(3, "b", 0.0, kind="person", judge="Bob", review=person | {"reviewer": "Bob"}),
        label_row(4, "a", 0.9, kind="rule", judge="bulk"),
    ]
    found = labelled_pairs(tuple(Label.from_row(row) for row in rows))
    said = {label.pair.response_a: (label.p_a, label.source, label.verdict) for label in found}
    assert said == {
        "one ant": (0.0, "people", "b"),
        "one bee": (0.0, "people", "b"),
        "one cat": (None, "people", "bad"),
        "one dog": (None, "people", "disputed"),
        "one elk": (1.0, "rule", "a"),
    }


def test_a_row_whose_better_answer_a_person_wrote_is_marked_and_its_share_is_capped(tmp_path):
    review = {"blind": False, "queue": "corrected", "pi": None, "reviewer": "Ada", "first": False}
    rows = [label_row(i) for i in range(8)]
    rows += [
        label_row(i, "b", 0.0, kind="person", judge="Ada", review=review) for i in range(10, 14)
    ]
    path = write(tmp_path / "labels.jsonl", rows)
    out = tmp_path / "d"
    result = run("build", "--kind", "preference", "--labels", path, "--out", out)
    assert result.exit_code == 0, result.stderr
    made = manifest(out)
    assert made["dropped"] == {"corrected beyond the share": 2}
    assert made["corrected"] == {"rows": 2, "share": 0.2, "most": 0.2, "by": {"Ada": 2}}
    assert made["labelled_by"] == {"judge": 8, "corrected": 2}
    assert "2 corrected, by Ada" in result.output
    corrected = [row for row in dataset_rows(out) if row["source"] == "corrected"]
    assert {row["chosen"][0]["content"].split()[0] for row in corrected} == {"two"}
    assert {row["p_chosen"] for row in corrected} == {1.0}
    again = tmp_path / "again"
    run("build", "--kind", "preference", "--labels", path, "--out", again)
    assert manifest(again)["hash"] == made["hash"]


def test_corrected_answers_enter_the_sft_rows_up_to_their_share(tmp_path):
    revisions = write(
        tmp_path / "r.jsonl",
        [
            {
                "prompt": f"Tell me about the {word}",
                "initial": "first",
                "rounds": [{"principle": "k", "critique": "c", "revision": f"better {word}"}],
            }
            for word in WORDS[:8]
        ],
    )
    corrected = write(
        tmp_path / "c.jsonl",
        [
            {"prompt": f"What of the {word}?", "completion": f"by hand {word}", "writer": "Ada"}
            for word in WORDS[:4]
        ],
    )
    command = ("build", "--kind", "sft", "--revisions", revisions, "--corrected", corrected)
    result = run(*command, "--out", tmp_path / "d", "--filter", "max_corrected=0.3")
    assert result.exit_code == 0, result.stderr
    made = manifest(tmp_path / "d")
    assert (made["rows"], made["dropped"]) == (11, {"corrected beyond the share": 1})
    assert made["corrected"]["by"] == {"Ada": 3}
    assert made["inputs"].keys() == {"revisions", "corrected"}
    run(*command, "--out", tmp_path / "all", "--filter", "max_corrected=1")
    assert manifest(tmp_path / "all")["rows"] == 12
    wrong = run(
        "build",
        "--kind",
        "prompts",
        "--prompts",
        corrected,
        "--corrected",
        corrected,
        "--out",
        tmp_path / "x",
    )
    assert wrong.exit_code == 2
    assert "--corrected is for --kind sft" in wrong.stderr


def test_a_split_that_one_row_of_a_pair_names_stands_whoever_else_labelled_it():
    person = label_row(1, "b", 0.0, kind="person", judge="Ada")
    rows = [label_row(1, "a", 0.9, split="test"), person]
    (found,) = labelled_pairs(tuple(Label.from_row(row) for row in rows))
    assert (found.split, found.source) == ("test", "people")


def test_a_label_without_p_a_is_left_out_under_that_name(tmp_path):
    path = write(tmp_path / "l.jsonl", [label_row(0), label_row(1, "a", None)])
    words = ("--kind", "preference", "--labels", path, "--out", tmp_path / "d")
    assert run("build", *words).exit_code == 0
    assert manifest(tmp_path / "d")["dropped"] == {"no p_a": 1}


def test_the_same_again_is_left_alone_and_another_is_refused(tmp_path, labels):
    out = tmp_path / "d"
    build = ("build", "--kind", "preference", "--labels", labels, "--out", out)
    assert run(*build).exit_code == 0
    before = (out / "manifest.json").read_bytes()
    assert run(*build).exit_code == 0
    refused = run(*build, "--filter", "keep_ties=true")
    assert refused.exit_code == 1
    assert "holds another frozen dataset" in refused.stderr
    assert (out / "manifest.json").read_bytes() == before


def test_a_bad_row_is_told_and_nothing_is_written(tmp_path):
    rows = [label_row(i) for i in range(8)]
    rows[6]["p_a"] = 3
    path = write(tmp_path / "l.jsonl", rows)
    build = ("build", "--kind", "preference", "--labels", path, "--out", tmp_path / "d")
    result = run(*build)
    assert result.exit_code == 1
    assert result.stderr == f"error: {path}:7: 'p_a' must be a number from 0 to 1\n"
    assert not (tmp_path / "d").exists()
    result = run(*build, "--skip-bad")
    assert result.exit_code == 0
    assert f"skipped: {path}:7: 'p_a' must be a number from 0 to 1\n" in result.stderr
    assert manifest(tmp_path / "d")["dropped"] == {"bad row": 1}


def revision_row(i):
    rounds = [{"principle": "k", "critique": "c", "revision": f"better {n} {i}"} for n in "12"]
    return {"prompt": f"Say {WORDS[i]}", "initial": "x", "rounds": rounds}


def test_marked_revisions_stay_out_of_older_files_too_unless_they_are_kept(tmp_path):
    rows = [revision_row(0), revision_row(1)]
    rows[1]["rounds"][0]["revision"] = "X!"  # the first answer, in other letters
    path = write(tmp_path / "r.jsonl", rows)
    build = ("build", "--kind", "sft", "--revisions", path)
    done = run(*build, "--out", tmp_path / "d")
    assert "left out: 1 unchanged revision" in done.output
    assert run(*build, "--out", tmp_path / "e", "--filter", "keep_marked").exit_code == 0
    assert [manifest(tmp_path / name)["rows"] for name in "de"] == [3, 4]
    assert manifest(tmp_path / "e")["filters"] == {"keep_marked": True}


def test_sft_has_a_stated_helpful_share(tmp_path):
    revisions = write(tmp_path / "r.jsonl", [revision_row(i) for i in range(6)])
    good = [{"prompt": f"Help with {w}", "completion": f"Gladly {w}"} for w in WORDS[:8]]
    helpful = write(tmp_path / "h.jsonl", good)
    common = ("build", "--kind", "sft", "--revisions", revisions, "--helpful", helpful)
    assert run(*common, "--share", 0.25, "--out", tmp_path / "d").exit_code == 0
    made = manifest(tmp_path / "d")
    assert made["rows"] == 16  # both rounds of six, and four helpful ones
    assert made["helpful_share"] == {"asked": 0.25, "actual": 0.25}
    assert made["dropped"] == {"helpful beyond the share": 4}
    assert sum(counts.get("helpful", 0) for counts in made["counts"].values()) == 4
    too_much = run(*common, "--share", 0.5, "--out", tmp_path / "e")
    assert "needs 12 helpful rows and there are 8; give more, or ask for 0.4" in too_much.stderr
    last = run(*common, "--share", 0.5, "--rounds", "last", "--out", tmp_path / "f")
    assert last.exit_code == 0
    assert manifest(tmp_path / "f")["rows"] == 12


def test_helpful_pairs_are_named_so_in_preference_data(tmp_path, labels):
    pairs = [{"prompt": f"Help {w}", "chosen": f"Yes {w}", "rejected": "No"} for w in WORDS[:4]]
    helpful = write(tmp_path / "h.jsonl", pairs)
    build = ("build", "--kind", "preference", "--labels", labels, "--helpful", helpful)
    assert run(*build, "--out", tmp_path / "d").exit_code == 0
    rows = [row for row in dataset_rows(tmp_path / "d") if row["source"] == "helpful"]
    assert len(rows) == 4
    assert all(row["p_chosen"] == 1 and row["rejected"][0]["content"] == "No" for row in rows)


def test_prompts_are_frozen_too(tmp_path):
    path = tmp_path / "p.txt"
    path.write_text("How do I make tea?\nWhat is rust?\nHow do I make tea?\n")
    assert (
        run("build", "--kind", "prompts", "--prompts", path, "--out", tmp_path / "d").exit_code == 0
    )
    assert manifest(tmp_path / "d")["rows"] == 2
    assert set(dataset_rows(tmp_path / "d")[0]) == {"prompt"}
    shown = run("show", tmp_path / "d")
    assert "prompts, 2 rows" in shown.stdout
    assert "helpful share" not in shown.stdout


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--kind", "sft"), "--kind sft needs --revisions FILE"),
        (("--kind", "preference", "--prompts", "F"), "needs --labels"),
        (("--kind", "prompts", "--prompts", "F", "--helpful", "F"), "--helpful is not for"),
        (("--kind", "prompts", "--prompts", "F", "--labels", "F"), "--labels is not for"),
        (("--kind", "preference", "--labels", "F", "--share", "0.5"), "--share needs --helpful"),
    ],
)
def test_options_that_do_not_fit_are_usage_errors(tmp_path, labels, arguments, said):
    given = [str(labels) if a == "F" else a for a in arguments]
    result = run("build", *given, "--out", tmp_path / "d")
    assert result.exit_code == 2
    assert said in result.stderr


@pytest.mark.parametrize(
    ("given", "said"),
    [("huh=1", "there is no filter 'huh'"), ("min_margin=0.7", "filter 'min_margin': ")],
)
def test_a_wrong_filter_is_a_sentence(tmp_path, labels, given, said):
    build = ("build", "--kind", "preference", "--labels", labels, "--out", tmp_path / "d")
    result = run(*build, "--filter", given)
    assert result.exit_code == 1
    assert said in result.stderr


def test_a_dataset_with_no_row_left_is_refused(tmp_path, labels):
    build = ("build", "--kind", "preference", "--labels", labels, "--out", tmp_path / "d")
    result = run(*build, "--filter", "people_only")
    assert result.exit_code == 1
    assert "(12 not reviewed, 1 bad, 2 failed)" in result.stderr


def test_export_writes_parquet_and_jsonl(tmp_path, labels):
    import pyarrow.parquet as pq

    out = tmp_path / "d"
    run("build", "--kind", "preference", "--labels", labels, "--out", out)
    assert run("export", out, "--format", "parquet", "--out", tmp_path / "q").exit_code == 0
    assert run("export", out, "--format", "jsonl", "--out", tmp_path / "j").exit_code == 0
    found = [
        row for f in sorted((tmp_path / "q").iterdir()) for row in pq.read_table(f).to_pylist()
    ]
    assert sorted(row["p_chosen"] for row in found) == sorted(
        row["p_chosen"] for row in dataset_rows(out)
    )
    assert (tmp_path / "j" / "train.jsonl").read_bytes() == (out / "train.jsonl").read_bytes()
    again = run("export", out, "--format", "jsonl", "--out", tmp_path / "j")
    assert "is not empty" in again.stderr


def test_a_changed_dataset_is_told(tmp_path, labels):
    out = tmp_path / "d"
    run("build", "--kind", "preference", "--labels", labels, "--out", out)
    with (out / "train.jsonl").open("a") as file:
        file.write("{}\n")
    assert "was changed after it was frozen" in run("show", out).stderr
    assert "there is no frozen dataset" in run("show", tmp_path / "none").stderr


def test_build_runs_as_a_job(tmp_path, labels):
    job = tmp_path / "job"
    folder.create(job, {}, {})
    build = ("build", "--kind", "preference", "--labels", labels, "--out", tmp_path / "d")
    assert run(*build, "--job", job).exit_code == 0
    assert folder.read_end(job).result["kind"] == "preference"
