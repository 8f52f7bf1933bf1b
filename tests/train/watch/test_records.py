from cai_core.train.watch.records import Alarm, Watch

ALARM = Alarm("kl", 4, "KL is 12 nats, over 10", "raise kl_coef")


def test_what_was_told_comes_back_in_order_of_steps(tmp_path):
    watch = Watch(tmp_path)
    watch.tell_alarm(ALARM)
    watch.tell_alarm(Alarm("nan", 2, "the loss is nan", "lower learning_rate"))
    watch.tell_samples(2, [{"answer": "line one\u2028line two", "score": 0.5}])
    watch.tell_duel(2, {"judge": "m", "reward": 0.1})
    assert [alarm.name for alarm in watch.alarms()] == ["nan", "kl"]
    assert watch.samples()[0]["rows"][0]["answer"] == "line one\u2028line two"
    assert watch.duels() == [{"step": 2, "judge": "m", "reward": 0.1}]


def test_a_step_told_again_counts_as_told_last(tmp_path):
    watch = Watch(tmp_path)
    for score in (1.0, 2.0):
        watch.tell_samples(4, [{"score": score}])
        watch.tell_alarm(ALARM)
    assert [row["rows"] for row in watch.samples()] == [[{"score": 2.0}]]
    assert watch.alarms() == [ALARM]


def test_a_torn_last_line_is_left_out_and_the_next_one_is_whole(tmp_path):
    watch = Watch(tmp_path)
    watch.tell_alarm(ALARM)
    path = watch.folder / "alarms.jsonl"
    path.write_bytes(path.read_bytes() + b'{"step": 9, "na')
    assert watch.alarms() == [ALARM]
    watch.tell_alarm(Alarm("nan", 5, "x", "y"))
    assert [alarm.step for alarm in watch.alarms()] == [4, 5]


def test_a_resumed_run_forgets_what_came_after_its_checkpoint(tmp_path):
    watch = Watch(tmp_path)
    for step in (2, 4, 6):
        watch.tell_samples(step, [])
    watch.forget_after(4)
    assert [row["step"] for row in watch.samples()] == [2, 4]


def test_nothing_is_there_before_something_is_told(tmp_path):
    watch = Watch(tmp_path / "none")
    assert (watch.alarms(), watch.samples(), watch.read("ends")) == ([], [], None)
    watch.write("ends", {"best": []})
    assert watch.read("ends") == {"best": []}
