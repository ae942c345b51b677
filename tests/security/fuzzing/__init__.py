"""The parts of `test_fuzzing`: a service under strace, its folders, and the settings of schemathesis."""
