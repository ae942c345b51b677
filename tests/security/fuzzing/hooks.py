"""What schemathesis may not send. Its own Python loads this file, and has nothing of the service."""

from urllib.parse import quote

import schemathesis

from tests.security.fuzzing.known import KEPT, SECRET

#: one training is enough, and a long one keeps the machine busy
SMALL = {"num_epochs": 2, "image_size": 64, "batch_size": 8}
LIMITS = range(2, 1001)


@schemathesis.hook
def before_call(_context, case, _kwargs):
    """Keep the tasks that requests lead to, and make valid requests cheap to run. Wrong values stay wrong."""
    if case.method == "DELETE" and case.path_parameters.get("task_id") in KEPT:
        case.path_parameters["task_id"] = "unknown"
    if not isinstance(case.body, dict):
        return
    for field, most in SMALL.items():
        if type(case.body.get(field)) is int and case.body[field] > most:
            case.body[field] = most
    _lower(case.body.get("max_concurrent"))


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
