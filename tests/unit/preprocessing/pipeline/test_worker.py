"""What a worker makes, and what it skips because an earlier run has made it."""

import os
import pickle
from functools import partial

import pytest

from preprocessing.pipeline.output_folder import OutputFolder
from preprocessing.pipeline.worker import BlockResult, Doubtful, Item, Work, one_target, source_digest, work_on
from rfuav_ray.errors import RunError

NAMES = [f"{number}.txt" for number in range(20)]


class Life:
    """Runs over the same source and output, all but the last one killed."""

    def __init__(self, folder):
        self.source = folder / "in"
        self.source.mkdir()
        for name in NAMES:
            (self.source / name).write_text(f"content of {name}")
        self.out = folder / "out"
        self.made = []

    def make(self, item, folder):
        self.made.append(item.source)
        text = (self.source / item.source).read_text()
        if text == "bad":
            raise RunError(f"{item.source} is bad.")
        (folder / item.target).write_text(text)
        return Doubtful(bad_samples=text.count("?"), one_color=text.count("!"))

    def run(self, *, is_last=False):
        """Returns what was made, and the sum of the answers."""
        self.made, total = [], BlockResult()
        output = OutputFolder(self.out, request={}, run_id="task", planned=lambda: NAMES)
        output.__enter__()
        items = [Item(name, name) for name in NAMES]
        block = pickle.dumps([(n, (item, output.finished.get(n))) for n, item in enumerate(items)])
        inputs = partial(source_digest, source=self.source)
        work = Work(targets=one_target, make=self.make, inputs=inputs, largest_block=64)
        for answer in work_on(work, self.out, output.permit, (), {"items": [block]}):
            (part,) = map(pickle.loads, answer["results"])
            output.note_finished(part.finished)
            total.add(part)
        if is_last:
            output.complete({})
        output.__exit__(KeyboardInterrupt, KeyboardInterrupt(), None)
        return self.made, total


@pytest.fixture
def life(tmp_path):
    return Life(tmp_path)


def change(path, text):
    """Replace text of a file by text of the same length. Its size and its times stay the same."""
    before = path.stat()
    assert len(text) == before.st_size
    path.write_text(text)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


def test_worker_answers_for_a_fixed_number_of_items(life):
    output = OutputFolder(life.out, request={}, run_id="task", planned=lambda: NAMES)
    work = Work(targets=one_target, make=life.make, inputs=lambda _: "", largest_block=64)
    block = pickle.dumps([(n, (Item(name, name), None)) for n, name in enumerate(NAMES)])
    with output:
        answers = work_on(work, life.out, output.permit, (), {"items": [block]})
        assert [pickle.loads(answer["results"][0]).seen for answer in answers] == [4] * 5
        output.complete({})


def test_worker_skips_what_is_finished(life):
    assert life.run()[0] == NAMES
    made, total = life.run(is_last=True)
    assert made == [] and total.done == len(NAMES) and total.changed == 0


def test_worker_makes_changed_contents_again_also_of_the_same_size_and_time(life):
    life.run()
    change(life.source / "3.txt", "CONTENT of 3.txt")
    made, total = life.run()
    assert made == ["3.txt"] and (total.done, total.changed) == (len(NAMES), 1)
    assert (life.out / "3.txt").read_text() == "CONTENT of 3.txt"
    assert life.run()[0] == []


def test_worker_makes_deleted_files_again_and_files_that_nothing_notes(life):
    life.run()
    (life.out / "4.txt").unlink()
    made, total = life.run()
    assert made == ["4.txt"] and total.changed == 0
    (life.out / ".rfuav-run" / "finished.jsonl").write_bytes(b"")  # as after a kill before the flush
    assert life.run()[0] == NAMES


def test_worker_repeats_failures_and_bad_samples_of_an_earlier_run(life):
    (life.source / "5.txt").write_text("bad")
    (life.source / "6.txt").write_text("what??!")
    before = life.run()[1]
    made, total = life.run()
    assert made == [] and total == before
    assert total.failures == [(5, "5.txt is bad.")] and total.bad_samples == [(6, 2)]
    assert total.one_color == [(6, 1)]
    (life.source / "5.txt").write_text("mended")
    made, total = life.run()
    assert made == ["5.txt"] and total.failures == [] and total.changed == 1


def test_worker_a_source_that_is_gone_leaves_no_file_of_it_and_is_tried_again(life):
    life.run()
    (life.source / "7.txt").rename(life.source / "elsewhere")
    for changed in (1, 0):
        made, total = life.run()
        assert made == ["7.txt"] and total.failures == [(7, "No such file or directory.")]
        assert total.changed == changed
        assert not (life.out / "7.txt").exists()
    (life.source / "elsewhere").rename(life.source / "7.txt")
    assert life.run()[0] == ["7.txt"] and (life.out / "7.txt").exists()


def test_worker_does_not_open_a_pipe(life):
    os.mkfifo(life.source / "pipe")
    assert source_digest(Item("pipe", "pipe"), source=life.source) == ""
