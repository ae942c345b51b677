from rfuav_ray.machine.cgroups import control_groups


def test_control_groups_are_the_own_one_and_its_parents_in_both_versions(tmp_path):
    own = tmp_path / "own"
    own.write_text("4:memory:/slice/service\n3:cpu,cpuacct:/other\n0::/unified\n")
    found = [str(folder.relative_to(tmp_path)) for folder in control_groups("memory", own, tmp_path)]
    assert found == ["memory/slice/service", "memory/slice", "memory", "unified", "."]


def test_control_groups_are_none_where_the_system_has_none(tmp_path):
    assert [*control_groups("cpu", tmp_path / "missing", tmp_path)] == []
