"""How much is done: FAULT_ROUNDS full rounds, or one short one; FAULT_SEED repeats the choices of a call."""

import os
import random

ROUNDS = int(os.environ.get("FAULT_ROUNDS", "0"))
IS_SHORT = ROUNDS == 0
SEED = int(os.environ.get("FAULT_SEED") or random.SystemRandom().randrange(10**6))

#: runs at once, and tasks that wait for them
LIMITS = {
    "max_training_concurrent_cpu": 1 if IS_SHORT else 2,
    "max_inference_concurrent_cpu": 1 if IS_SHORT else 2,
    "max_preprocessing_concurrent": 1,
}
WAITING_JOBS = 6 if IS_SHORT else 20
#: long jobs; more cores have done more of them before all deaths are over
SCALE = max(1.0, (os.cpu_count() or 1) / 2)
TRAININGS, INFERENCES, AUGMENTS = round(16 * SCALE), round(20 * SCALE), round(12 * SCALE)
