"""How much a .mat file holds is known before it is loaded, also inside of structures."""

import io
import struct

import numpy as np
import pytest
from scipy import io as scipy_io

from rfuav_ray.signals.formats.arrays.mat_sizes import check_sizes

STRUCT, CELL = 2, 1


def saved(variables, **options):
    file = io.BytesIO()
    scipy_io.savemat(file, variables, **options)
    return file


def element(kind, content):
    return struct.pack("<II", kind, len(content)) + content + bytes(-len(content) % 8)


def matrix(kind, shape, name, rest=b""):
    flags, lengths = struct.pack("<II", kind, 0), struct.pack(f"<{len(shape)}i", *shape)
    return element(14, element(6, flags) + element(5, lengths) + element(1, name) + rest)


def file_of(content):
    return io.BytesIO(b"MATLAB 5.0 MAT-file".ljust(124) + struct.pack("<H", 0x100) + b"IM" + content)


@pytest.mark.parametrize("packed", [False, True])
def test_check_sizes_passes_what_a_file_can_hold(packed):
    values = {
        "x": np.arange(10.0) * 1j,
        "s": {"x": np.ones((2, 3)), "text": "text", "inner": {"y": np.zeros(3)}},
        "cells": np.array([1, "two", np.ones(4)], dtype=object),
        "records": np.zeros(3, dtype=[("p", "f8"), ("qqq", "O")]),
        "empty": np.zeros(0),
    }
    check_sizes(saved(values, do_compression=packed), 1000)


@pytest.mark.parametrize("packed", [False, True])
def test_check_sizes_counts_what_is_inside_of_structures(packed):
    file = saved({"s": {"t": {"x": np.zeros(2000)}}}, do_compression=packed)
    with pytest.raises(ValueError, match="too many values"):
        check_sizes(file, 1000)


def test_check_sizes_refuses_cells_that_are_only_stated():
    cells = matrix(CELL, (1, 10**9), b"")
    names = element(5, struct.pack("<i", 8)) + element(1, b"x".ljust(8, b"\0"))
    with pytest.raises(ValueError, match="too many values"):
        check_sizes(file_of(matrix(STRUCT, (1, 1), b"s", names + cells)), 10**6)


def test_check_sizes_refuses_levels_without_end():
    content = matrix(CELL, (1, 0), b"")
    for _ in range(100):
        content = matrix(CELL, (1, 1), b"", content)
    with pytest.raises(ValueError, match="nested deeper"):
        check_sizes(file_of(content), 10**6)


def test_check_sizes_refuses_a_million_empty_arrays():
    content = matrix(CELL, (1, 200_000), b"", element(14, b"") * 200_000)
    with pytest.raises(ValueError, match="arrays"):
        check_sizes(file_of(content), 10**6)


def test_check_sizes_refuses_a_text_that_unpacks_to_gigabytes():
    content = matrix(4, (1, 1), b"text", element(16, bytes(100_000)))
    with pytest.raises(ValueError, match="too many bytes"):
        check_sizes(file_of(content), 1000)


def test_check_sizes_refuses_a_file_that_is_cut_off():
    content = saved({"x": np.zeros(100)}).getvalue()
    with pytest.raises(ValueError, match="cut off"):
        check_sizes(io.BytesIO(content[:400]), 1000)


def test_check_sizes_passes_version_4():
    check_sizes(saved({"x": np.zeros(100)}, format="4"), 1)
