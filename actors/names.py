"""The names under which the actors find each other."""

NAMESPACE = "rfuav"
TASK_MANAGER = "task_manager"
RUN_SUPERVISOR = "run_supervisor"
METRICS = "metrics"
