import numba

from rfuav_ray.signals.loops.compiling import compiled


def test_compiled_works_where_nothing_can_be_kept(monkeypatch):
    whole, asked = numba.njit, []

    def without_a_folder(**options):
        asked.append(options)
        if options.get("cache"):
            raise RuntimeError("cannot cache function: no locator available")
        return whole(**options)

    monkeypatch.setattr(numba, "njit", without_a_folder)
    assert compiled(lambda number: number + 1)(1) == 2
    assert [options.get("cache", False) for options in asked] == [True, False]
