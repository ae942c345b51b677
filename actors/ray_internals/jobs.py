"""What the entry point of a Ray job can know of its job. Importing this module does not import Ray.

Ray does not document these variables. Without them, a job's process is one like any other.
"""

import os

#: Ray's job manager sets it for the entry point: the job's settings, as JSON
JOB_CONFIG = "RAY_JOB_CONFIG_JSON_ENV_VAR"
#: Ray sets it for an entry point without resources of its own: the process then sees all GPUs of its node
ALL_GPUS_VISIBLE = "RAY_EXPERIMENTAL_NOSET_CUDA_VISIBLE_DEVICES"
#: CUDA's; Ray sets it to the GPUs that it has reserved for a process
VISIBLE_GPUS = "CUDA_VISIBLE_DEVICES"


def is_job() -> bool:
    """Whether this process was started by the entry point of a Ray job."""
    return JOB_CONFIG in os.environ


def may_use_gpus() -> bool:
    """Whether the GPUs that this process sees are its own: reserved for its job, or it is not in a job."""
    if not is_job():
        return True
    return os.environ.get(ALL_GPUS_VISIBLE) != "1" and bool(os.environ.get(VISIBLE_GPUS))
