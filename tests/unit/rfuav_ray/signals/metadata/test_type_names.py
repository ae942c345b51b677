import pytest

from rfuav_ray.signals.metadata.type_names import TypeName, parse

SPELLINGS = {
    "float32": [
        *("Complex Float", "float32", "Complex Float 32", "32-bit float", "complex64", "fc32", "CF32_LE", "float"),
        *("single", "single precision", "Float (32 bits)", "f4", "<f4", "单精度", "单精度浮点"),
    ],
    "int16": [
        *("Complex Short", "INT16", "int16 (2 bytes)", "sc16", "CS16", "ci16_le", "short", "short int", "16bit"),
        *("16-bit", "I16", "<i2", "signed 16-bit integer", "Complex Int16", "短整型", "16位整型"),
    ],
    "int8": ["int8", "signed byte", "char", "sc8", "cs8", "i8", "complex int8", "i1"],
    "uint8": ["UInt8", "unsigned char", "cu8", "u8", "8-bit unsigned", "unsigned 8 bit", "无符号8位"],
    "float64": ["Complex Double", "float64", "64-bit float", "双精度", "f8"],
    "float16": ["float16", "half"],
    "uint16": ["uint16", "unsigned short"],
    "int32": ["int32", "sc32"],
}


@pytest.mark.parametrize(
    ("data_type", "text"), [(name, text) for name, texts in SPELLINGS.items() for text in texts]
)
def test_type_names_in_every_spelling(data_type, text):
    found = parse(text)
    assert (found.data_type, found.assumed) == (data_type, None)


@pytest.mark.parametrize("text", ["8 bit", "8-bit", "byte", "8 位", "字节"])
def test_type_names_a_byte_is_assumed_to_have_a_sign(text):
    assert parse(text) == TypeName("int8", "bytes with a sign are assumed")


@pytest.mark.parametrize("text", [">i2", "int16_be", "int16 big-endian", "int16 大端"])
def test_type_names_big_endian_is_another_type(text):
    assert parse(text).data_type == "int16 big-endian"


@pytest.mark.parametrize("text", ["", "IQ", "Complex", "int", "32bit", "unsigned", "Complex Float 64", "2 bytes"])
def test_type_names_of_several_or_no_meanings_are_none(text):
    assert parse(text) is None
