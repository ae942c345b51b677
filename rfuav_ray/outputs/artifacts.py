"""The names of the files that tasks write."""

#: describes the data set in a folder of class folders
DATASET_FILE = "dataset.yaml"
#: the files of an inference
CSV_NAME, JSON_NAME, JSONL_NAME = "predictions.csv", "predictions.json", "predictions.jsonl"
#: of its recordings, if it has any
RECORDINGS_JSON, RECORDINGS_JSONL = "recordings.json", "recordings.jsonl"
INFERENCE_FILES = (CSV_NAME, JSON_NAME, JSONL_NAME, RECORDINGS_JSON, RECORDINGS_JSONL)
#: where the rows of predictions.jsonl and recordings.jsonl begin
JSONL_INDEX, RECORDINGS_INDEX = "predictions.index", "recordings.index"
#: the folder for spectrograms of recordings
IMAGES_FOLDER = "images"
#: the files of a training, by their keys in its result
TRAINING_FILES = {
    "best_model": "best_model.pth",
    "last_model": "last_model.pth",
    "checkpoint": "checkpoint.pt",
    "config": "model.yaml",
    "metrics": "metrics.csv",
    "curves": "curves.png",
    "confusion_matrix": "confusion_matrix.png",
    "report": "report.json",
}
#: the state of a training in the middle of an epoch; deleted when the epoch ends
EPOCH_CHECKPOINT = "checkpoint_epoch.pt"
#: the files of an evaluation, by their keys in its result
EVALUATION_FILES = {
    "report": "report.json",
    "report_html": "report.html",
    "confusion_matrix": "confusion_matrix.png",
    "snr": "snr.png",
    "reliability": "reliability.png",
    "scores": "scores.csv",
    "config": "model.yaml",
}
#: the file of an audit
AUDIT_FILE = "audit.json"
