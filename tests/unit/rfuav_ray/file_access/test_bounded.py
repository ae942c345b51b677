"""Files that give a bounded number of bytes."""

import io

import pytest

from rfuav_ray.file_access.bounded import BoundedReads


def test_bounded_reads_give_what_is_there_until_the_bound():
    file = BoundedReads(io.BytesIO(b"0123456789"), 12)
    assert (file.read(4), file.read(100), file.read()) == (b"0123", b"456789", b"")
    file.seek(0)
    assert (file.read(2), file.tell()) == (b"01", 2)
    with pytest.raises(ValueError, match="states more"):
        file.read()
