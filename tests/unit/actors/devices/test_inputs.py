"""Which nodes lack the inputs of a run; the cluster is played."""

from actors.devices import inputs
from actors.devices.inputs import described, lacking


def test_inputs_each_node_says_what_is_missing_there(cluster, play_looked):
    cluster.add_node("a")
    cluster.add_node("b")
    cluster.missing = {"a": {"/one", "/two", "/not asked for"}, "b": {"/two"}}

    async def scenario(pool):
        missing = await lacking(pool, ["/one", "/two"], ["head", "a", "b"])
        assert missing == {"a": ["/one", "/two"], "b": ["/two"]}
        words = "'/one' is missing on host of a; '/two' is missing on host of a, host of b"
        assert described(pool, missing) == words

    play_looked(scenario)


def test_inputs_only_the_nodes_in_question_are_asked(cluster, play_looked):
    cluster.add_node("a")

    async def scenario(pool):
        assert await lacking(pool, ["/one"], ["a"]) == {}
        assert cluster.asked_for_files == ["a"]

    play_looked(scenario)


def test_inputs_a_node_that_does_not_answer_lacks_nothing_as_far_as_is_known(cluster, play_looked, monkeypatch):
    monkeypatch.setattr(inputs, "ANSWERS_WITHIN_S", 0.01)
    cluster.add_node("a")
    cluster.add_node("b")
    cluster.missing = {"a": {"/one"}, "b": {"/one"}}
    cluster.silent_nodes = {"a"}

    async def scenario(pool):
        assert await lacking(pool, ["/one"], ["a", "b", "a node that has left"]) == {"b": ["/one"]}

    play_looked(scenario)
