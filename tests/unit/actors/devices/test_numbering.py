from actors.devices.numbering import Node, number_gpus


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
