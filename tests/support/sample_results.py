"""Results for the tests."""

from rfuav_ray.api.results import EpochMetrics, InferenceResult, TrainingResult

EPOCH_METRICS: EpochMetrics = {
    "epoch": 1,
    "total_epochs": 8,
    "train_loss": 1.0,
    "train_acc": 80.0,
    "val_loss": 1.1,
    "val_acc": 90.0,
    "macro_f1": 0.9,
    "micro_f1": 0.9,
    "mAP": 0.9,
    "top1_acc": 90.0,
    "top3_acc": 100.0,
    "top5_acc": 100.0,
    "precision": 0.9,
    "recall": 0.9,
    "macro_precision": 0.9,
    "macro_recall": 0.9,
    "micro_precision": 0.9,
    "micro_recall": 0.9,
    "learning_rate": 0.001,
    "best_acc": 90.0,
    "images_per_second": 10.0,
}
TRAINING_RESULT: TrainingResult = {
    "save_path": "/r",
    "epochs": 1,
    "best_epoch": 1,
    "best_acc": 90.0,
    "metrics": EPOCH_METRICS,
    "images_per_second": 10.0,
    "files": {
        "best_model": "/r/best_model.pth",
        "last_model": "/r/last_model.pth",
        "checkpoint": "/r/checkpoint.pt",
        "config": "/r/model.yaml",
        "metrics": "/r/metrics.csv",
        "curves": "/r/curves.png",
        "confusion_matrix": "/r/confusion_matrix.png",
        "report": "/r/report.json",
    },
}
INFERENCE_RESULT: InferenceResult = {
    "save_path": "/r",
    "model": "resnet18",
    "predictions_csv": "/r/predictions.csv",
    "predictions_json": "/r/predictions.json",
    "class_order": "config",
    "predictions_jsonl": "/r/predictions.jsonl",
    "images": 3,
    "failed": [],
    "failed_images": 0,
    "classes": {"drone": 3},
    "images_per_second": 10.0,
}
