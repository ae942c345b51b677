"""The CPUs and GPUs of the cluster, and how many runs each takes. Knows nothing of tasks except their ids."""
