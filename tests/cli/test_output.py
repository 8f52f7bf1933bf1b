"""Rows that survive a kill, and a file that is written once."""

import json
import subprocess
import sys

import pytest

from cai_core.cli.output import OTHERS, REASONS, Output
from cai_core.errors import CaiError, DataError
from cai_core.settings import PROJECT_DIR


@pytest.fixture
def source(tmp_path):
    path = tmp_path / "in.jsonl"
    path.write_text("x")
    return path


@pytest.fixture
def open_output(tmp_path, source):
    def open_it(**settings):
        return Output(tmp_path / "out.jsonl", settings=settings, inputs={"prompts": source})

    return open_it


def rows(path):
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def test_rows_come_out_once_in_input_order_and_the_part_goes(tmp_path, open_output):
    with open_output() as output:
        for key in "cab":
            output.write({"id": key})
        done = output.finish(list("abca"))
    assert [row["id"] for row in rows(tmp_path / "out.jsonl")] == ["a", "b", "c"]
    assert (done.rows, done.failed) == (3, 0)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["in.jsonl", "out.jsonl", "out.jsonl.json"]


def test_nothing_is_left_behind_before_the_first_row(tmp_path, open_output):
    with open_output(model="no such"):
        pass
    assert sorted(p.name for p in tmp_path.iterdir()) == ["in.jsonl"]


def test_the_same_command_continues(open_output, tmp_path):
    with open_output() as output:
        output.write({"id": "a", "n": 1})
    with open_output() as output:
        assert output.done == {"a"}
        output.write({"id": "b", "n": 2})
        output.finish(["a", "b"])
    assert [row["n"] for row in rows(tmp_path / "out.jsonl")] == [1, 2]


def test_a_row_that_failed_is_asked_again_and_its_answer_stands(open_output, tmp_path):
    with open_output() as output:
        output.write({"id": "a", "error": "no answer"})
        output.write({"id": "b"})
    with open_output() as output:
        assert output.done == {"b"}
        output.write({"id": "a", "text": "now"})
        assert output.finish(["a", "b"]).failed == 0
    assert rows(tmp_path / "out.jsonl")[0] == {"id": "a", "text": "now"}


def test_a_whole_file_with_failed_rows_is_mended_by_the_same_command(open_output, tmp_path):
    for answer in ({"error": "busy"}, {"text": "now"}):
        with open_output() as output:
            for key in {"a", "b"} - output.done:
                output.write({"id": key, **(answer if key == "a" else {})})
            output.finish(["a", "b"])
    assert rows(tmp_path / "out.jsonl") == [{"id": "a", "text": "now"}, {"id": "b"}]


def test_the_same_command_again_leaves_a_whole_file_alone(open_output, tmp_path):
    out = tmp_path / "out.jsonl"
    with open_output() as output:
        output.write({"id": "a"})
        output.finish(["a"])
    before = out.stat()
    with open_output() as output:
        assert output.done == {"a"}
        assert output.finish(["a"]).rows == 1
    assert (out.stat().st_ino, out.stat().st_mtime_ns) == (before.st_ino, before.st_mtime_ns)


@pytest.mark.parametrize("whole", [True, False])
def test_other_settings_are_refused_with_the_difference(open_output, whole):
    with open_output(rounds=1, model="m") as output:
        output.write({"id": "a"})
        if whole:
            output.finish(["a"])
    with pytest.raises(CaiError) as caught:
        open_output(rounds=2, model="m", seed=0)
    assert "(rounds: 1 then, 2 now; seed: nothing then, 0 now)" in str(caught.value)


def test_another_input_is_refused_and_the_same_one_elsewhere_is_not(tmp_path, source, open_output):
    with open_output() as output:
        output.write({"id": "a"})
    moved = source.rename(tmp_path / "moved.jsonl")
    Output(tmp_path / "out.jsonl", settings={}, inputs={"prompts": moved}).close()
    moved.write_text("y")
    with pytest.raises(CaiError, match="prompts: other content"):
        Output(tmp_path / "out.jsonl", settings={}, inputs={"prompts": moved})


def test_a_foreign_file_is_never_overwritten(tmp_path, open_output):
    (tmp_path / "out.jsonl").write_text("mine\n")
    with pytest.raises(CaiError, match="nothing says how it was made"):
        open_output()
    assert (tmp_path / "out.jsonl").read_text() == "mine\n"


@pytest.mark.parametrize("torn", [b'{"id": "b", "te', b'{"id": "b"}', b"\x00\x00\x00", b"3\n"])
def test_a_torn_last_line_is_dropped(tmp_path, open_output, torn):
    with open_output() as output:
        output.write({"id": "a"})
    with (tmp_path / "out.jsonl.part").open("ab") as file:
        file.write(torn)
    with open_output() as output:
        assert output.done == {"a"}
        output.write({"id": "b", "whole": True})
        output.finish(["a", "b"])
    assert rows(tmp_path / "out.jsonl") == [{"id": "a"}, {"id": "b", "whole": True}]


def test_a_broken_line_in_the_middle_is_told_with_its_line(tmp_path, open_output):
    with open_output() as output:
        output.write({"id": "a"})
    with (tmp_path / "out.jsonl.part").open("ab") as file:
        file.write(b'nonsense\n{"id": "b"}\n')
    with pytest.raises(DataError, match=r"out\.jsonl\.part:2: not a JSON object"):
        open_output()


def test_a_missing_row_is_told_and_nothing_is_written(tmp_path, open_output):
    with open_output() as output:
        output.write({"id": "a"})
        with pytest.raises(DataError, match="1 of 2 rows are missing, 'b' first"):
            output.finish(["a", "b"])
    assert not (tmp_path / "out.jsonl").exists()


def test_no_rows_at_all_make_an_empty_file(tmp_path, open_output):
    with open_output() as output:
        output.finish([])
    assert (tmp_path / "out.jsonl").read_bytes() == b""


def test_two_commands_do_not_write_one_file(open_output):
    with open_output() as output:
        output.write({"id": "a"})
        with pytest.raises(CaiError, match="another command is writing"):
            open_output()


def test_odd_texts_survive(tmp_path, open_output):
    text = "line\u2028separator \ud800 half, \x85 next, 日本"
    with open_output() as output:
        output.write({"id": "a", "text": text})
        output.finish(["a"])
    line = (tmp_path / "out.jsonl").read_bytes().decode("utf-8", "surrogatepass")
    assert json.loads(line)["text"] == text


def test_rows_are_known_by_the_given_key(tmp_path, source):
    out = tmp_path / "pairs.jsonl"
    with Output(out, settings={}, inputs={}, key="prompt_id") as output:
        output.write({"id": "p1", "prompt_id": "q1"})
        assert output.done == {"q1"}
        output.finish(["q1"])


@pytest.mark.parametrize("gone", [(), ("out.jsonl",), ("out.jsonl.part.json",)])
def test_a_kill_inside_finish_is_mended_by_the_same_command(tmp_path, open_output, gone):
    with open_output() as output:
        output.write({"id": "a"})
        left = {p.name: p.read_bytes() for p in tmp_path.iterdir() if "part" in p.name}
        output.finish(["a"])
    for name, content in left.items():
        (tmp_path / name).write_bytes(content)
    if "out.jsonl.part.json" in gone:  # OUT.part goes before it
        (tmp_path / "out.jsonl.part").unlink()
    for name in gone:
        (tmp_path / name).unlink()
    with open_output() as output:
        assert output.done == {"a"}
        assert output.finish(["a"]).rows == 1
    assert rows(tmp_path / "out.jsonl") == [{"id": "a"}]


def test_rows_survive_a_kill(tmp_path):
    out = tmp_path / "out.jsonl"
    code = (
        "import sys, time; from pathlib import Path; from cai_core.cli.output import Output\n"
        f"output = Output(Path({str(out)!r}), settings={{}}, inputs={{}})\n"
        "output.write({'id': 'a'}); print('written', flush=True); time.sleep(60)"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", code], cwd=PROJECT_DIR, stdout=subprocess.PIPE
    )
    process.stdout.readline()
    process.kill()
    process.wait()
    with Output(out, settings={}, inputs={}) as output:
        assert output.done == {"a"}


def test_failed_rows_are_counted_by_reason_whatever_the_numbers_in_it(open_output):
    with open_output() as output:
        for n, key in enumerate("abcd"):
            output.write({"id": key, "error": f"the prompt has {900 + n} tokens"})
        output.write({"id": "e", "error": "refused (401)"})
        output.write({"id": "f"})
        output.write({"id": "d", "text": "now"})
        done = output.finish("abcdef")
    assert done.to_row()["failed_by_reason"] == {
        "the prompt has … tokens": 3,
        "refused (401)": 1,
    }
    assert "3 × the prompt has … tokens; 1 × refused (401)" in done.sentence


def test_reasons_that_are_all_different_do_not_fill_the_result(open_output):
    with open_output() as output:
        for n in range(REASONS + 5):
            output.write({"id": str(n), "error": "x" * n + "!"})
        reasons = output.finish([str(n) for n in range(REASONS + 5)]).reasons
    assert (len(reasons), reasons[OTHERS]) == (REASONS + 1, 5)


def test_only_the_newest_row_of_a_key_stands_and_rows_written_meanwhile_wait(open_output):
    with open_output() as output:
        output.write({"id": "a", "n": 1})
        output.write({"id": "b", "n": 2})
        output.write({"id": "a", "n": 3})
        seen = []
        for row in output.standing():
            seen.append(row["n"])
            output.write({**row, "n": row["n"] + 10})
    assert seen == [2, 3]


def test_a_kill_while_failed_rows_begin_to_be_asked_again_costs_no_finished_row(
    tmp_path, open_output
):
    with open_output() as output:
        output.write({"id": "a", "text": "done"})
        output.write({"id": "b", "error": "busy"})
        output.finish(["a", "b"])
    (tmp_path / "out.jsonl.part.new").write_text('{"id": "a", "te')  # the copy was torn
    with open_output() as output:
        assert output.done == {"a"}
        output.write({"id": "b", "text": "now"})
        output.finish(["a", "b"])
    assert [row["text"] for row in rows(tmp_path / "out.jsonl")] == ["done", "now"]
    assert not list(tmp_path.glob("*.new"))
