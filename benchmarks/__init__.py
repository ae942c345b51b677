"""Benchmarks of rfuav-ray, on data that the scripts generate."""
