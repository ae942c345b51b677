"""The key of a |Z|², and of its colour: plain numbers, so that nothing is compiled for them."""

#: A key is the exponent of a float32 and the upper 8 bits of its mantissa: without these lower bits.
KEY_SHIFT = 15
#: bits of the smallest float32 that is infinite; those of NaN are more
FIRST_INFINITE = 0x7F800000
#: bits of a sum of one colour: red, green and blue are in an integer of 64
SUM_BITS = 21
