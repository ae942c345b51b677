"""How large files may be, by what they hold. docs/formats.md lists them."""

#: an image: its pixels as they are in memory, at most 16-bit RGBA, and what a file has besides
IMAGE_BYTES_BESIDE, IMAGE_BYTES_PER_PIXEL = 64_000_000, 8
MAX_PIXELS = 100_000_000
MAX_IMAGE_BYTES = IMAGE_BYTES_BESIDE + IMAGE_BYTES_PER_PIXEL * MAX_PIXELS

#: dataset.yaml: a hundred thousand recordings
MAX_CARD_BYTES = 32_000_000
#: a config of a model or of a command
MAX_CONFIG_BYTES = 1_000_000

#: weights and checkpoints: with the state of an optimizer three times the largest model's
MAX_WEIGHTS_BYTES = 10_000_000_000

#: notes of the service in output folders
MAX_NOTE_BYTES = 16_000_000
#: run.json has the result of a run, which names up to a hundred failures, and its request
MAX_RUN_BYTES = 16_000_000
#: finished.jsonl: a million items
MAX_FINISHED_BYTES = 1_000_000_000
#: a line of finished.jsonl, or of the rows of an interrupted inference
MAX_LINE_BYTES = 1_000_000
#: a page of predictions
MAX_PAGE_BYTES = 100_000_000
#: of an evaluation's report.json
MAX_REPORT_BYTES = 100_000_000
