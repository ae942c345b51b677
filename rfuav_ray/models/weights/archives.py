"""Zip archives of tensors, as torch writes them. Refuses those that take more memory than they have bytes."""

import os
import zipfile
from typing import BinaryIO

#: a model has a few hundred tensors, and its optimizer three times as many
MOST_ENTRIES = 100_000


def check_archive(file: BinaryIO) -> None:
    """Check that the entries of a zip archive are stored as they are, and lie in the file once each.

    torch stores tensors without compression. Compressed ones, or several entries that share their bytes, could
    grow to any size in memory.

    Raises:
        zipfile.BadZipFile: It is no such archive.
    """
    size_bytes = os.fstat(file.fileno()).st_size
    file.seek(0)
    with zipfile.ZipFile(file) as archive:
        entries = archive.infolist()
        if len(entries) > MOST_ENTRIES:
            raise zipfile.BadZipFile(f"it has more than {MOST_ENTRIES} entries")
        if any(one.compress_type != zipfile.ZIP_STORED for one in entries):
            raise zipfile.BadZipFile("its entries are compressed")
        if sum(one.file_size for one in entries) > size_bytes:
            raise zipfile.BadZipFile("its entries are larger than the file")
    file.seek(0)
