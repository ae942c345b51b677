"""Files of arrays: NumPy, MATLAB and HDF5. Which array holds the samples, and in which layout."""
