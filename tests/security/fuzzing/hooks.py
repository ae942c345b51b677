"""What schemathesis may not send. Its own Python loads this file, and has nothing of the service."""

import itertools
import json
import os
import random
from pathlib import Path
from urllib.parse import quote

import schemathesis

from tests.security.fuzzing.known import KEPT, OUTPUT, SECRET, VALID_FILE

#: one training is enough, and a long one keeps the machine busy
SMALL = {"num_epochs": 2, "image_size": 64, "batch_size": 8}
LIMITS = range(2, 1001)
#: Few requests that schemathesis makes up are accepted. So many of the valid ones get fields that lead to a task.
ACCEPTED = 0.5

_valid = json.loads(Path(os.environ[VALID_FILE]).read_text())
_numbers = itertools.count()


@schemathesis.hook
def before_call(_context, case, _kwargs):
    """Keep the tasks that requests lead to, and make valid requests cheap to run. Wrong values stay wrong."""
    if case.method == "DELETE" and case.path_parameters.get("task_id") in KEPT:
        case.path_parameters["task_id"] = "unknown"
    if not isinstance(case.body, dict):
        return
    fields = _valid.get(case.path)
    if fields and case.meta and case.meta.generation.mode.is_positive and random.random() < ACCEPTED:
        number = f"{os.getpid()}-{next(_numbers)}"
        case.body |= {name: _numbered(value, number) for name, value in fields.items()}
    for field, most in SMALL.items():
        if type(case.body.get(field)) is int and case.body[field] > most:
            case.body[field] = most
    _lower(case.body.get("max_concurrent"))


def _numbered(value, number):
    """Each task writes to a folder of its own."""
    return value.replace(OUTPUT, number) if isinstance(value, str) else value


def _lower(devices):
    """Let one run of each kind start, not a thousand."""
    for limits in devices.values() if isinstance(devices, dict) else ():
        if isinstance(limits, dict):
            limits |= {kind: 1 for kind, limit in limits.items() if type(limit) is int and limit in LIMITS}


@schemathesis.hook
def filter_query(_context, query):
    """HAProxy takes heads of 16 KiB. A path of 4096 bytes fits, one of 4096 long characters may not."""
    return query is None or len(quote(str(query.get("path", "")))) < 3 * 4096


@schemathesis.check
def no_file_of_others(_context, response, _case):
    """The files that requests name and may not read do not come over HTTP."""
    assert SECRET.encode() not in response.content
    assert b"root:x:0:0" not in response.content
