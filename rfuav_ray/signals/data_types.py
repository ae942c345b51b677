"""The types of values that a request may state. Imports nothing, because the command line shows them."""

from typing import Literal, get_args

#: types of one value in a file without a header, little-endian
DataType = Literal["float32", "int16", "int8", "uint8", "float64", "int32", "uint16"]
DATA_TYPES: tuple[str, ...] = get_args(DataType)
