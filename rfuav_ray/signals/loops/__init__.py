"""Loops over STFT values that Numba compiles. NumPy would pass over memory several times for each of them.

They are compiled when they are first called, for the processor at hand, and kept for later processes. Importing
`transform` or `coloring` loads LLVM: 0.4 s and 50 MB. So their callers import them where they need them.
"""
