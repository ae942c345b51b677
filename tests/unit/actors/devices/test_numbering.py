import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.devices.numbering import Node, cpus_per_run, number_gpus


def a_node(name, *, gpus, is_head=False):
    return Node(id=name, name=name, address=name, is_head=is_head, cpus=4, gpu_count=gpus)


def numbers(gpus):
    return {gpu.device: (gpu.node_id, gpu.index) for gpu in gpus}


def test_numbering_gpus_are_counted_over_all_nodes_head_first():
    nodes = [a_node("b", gpus=1), a_node("a", gpus=2), a_node("z", gpus=1, is_head=True), a_node("c", gpus=0)]
    assert numbers(number_gpus([], nodes)) == {
        "cuda:0": ("z", 0),
        "cuda:1": ("a", 0),
        "cuda:2": ("a", 1),
        "cuda:3": ("b", 0),
    }


def test_numbering_a_gpu_keeps_its_number_and_a_new_node_takes_over_the_free_ones():
    head, old = a_node("head", gpus=1, is_head=True), a_node("old", gpus=1)
    stays, new = a_node("stays", gpus=1), a_node("new", gpus=2)
    before = number_gpus([], [head, old, stays])
    without = number_gpus(before, [head, stays])
    assert numbers(without) == {"cuda:0": ("head", 0), "cuda:2": ("stays", 0)}
    assert numbers(number_gpus(without, [head, stays, new])) == {
        "cuda:0": ("head", 0),
        "cuda:1": ("new", 0),
        "cuda:2": ("stays", 0),
        "cuda:3": ("new", 1),
    }


@pytest.mark.parametrize(
    ("cpus", "runs", "each"),
    [
        ([2], 4, 0.5),
        ([2, 2], 3, 1.0),
        ([4, 1], 5, 1.0),
        ([8, 0], 2, 4.0),
        ([3, 3], 4, 1.5),
        ([2], 0, 2),
        ([], 3, 0),
    ],
)
def test_numbering_every_run_gets_cpus_of_one_node(cpus, runs, each):
    assert cpus_per_run(cpus, runs) == each


@given(cpus=st.lists(st.integers(1, 64), min_size=1, max_size=5), runs=st.integers(1, 200))
def test_numbering_no_larger_share_would_fit(cpus, runs):
    each = cpus_per_run(cpus, runs)
    assert sum(int(one / each + 1e-9) for one in cpus) >= runs
    shares = {one / parts for one in cpus for parts in range(1, runs + 1)}
    larger = min((fraction for fraction in shares if fraction > each * (1 + 1e-9)), default=None)
    assert larger is None or sum(int(one / larger + 1e-9) for one in cpus) < runs


def test_numbering_many_runs_take_no_memory():
    assert cpus_per_run([2.0] * 100, 10**6) == pytest.approx(2e-4)
