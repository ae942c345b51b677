"""What the service's side and schemathesis's side both know."""

#: the ids of the tasks that have ended before the first request
KEPT = ("trained", "images", "recordings", "split")
#: in files beside the folder that requests may name
SECRET = "what no request may read"
