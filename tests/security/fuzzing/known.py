"""What the service's side and schemathesis's side both know."""

#: the ids of the tasks that have ended before the first request
KEPT = ("trained", "images", "recordings", "split")
#: in files beside the folder that requests may name
SECRET = "what no request may read"
#: the variable that names the file with the fields of requests that are accepted, by route
VALID_FILE = "RFUAV_TEST_VALID_REQUESTS"
#: in these fields: where the number of an output folder belongs
OUTPUT = "{number}"
