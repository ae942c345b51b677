"""The names that clients know: metrics of an epoch in their order, and the files of a training."""

VALIDATION_METRICS = [
    "val_loss",
    "val_acc",
    "macro_f1",
    "micro_f1",
    "mAP",
    "top1_acc",
    "top3_acc",
    "top5_acc",
    "precision",
    "recall",
    "macro_precision",
    "macro_recall",
    "micro_precision",
    "micro_recall",
]
LATEST_METRICS = [
    "epoch",
    "total_epochs",
    "train_loss",
    "train_acc",
    *VALIDATION_METRICS,
    "learning_rate",
    "best_acc",
    "images_per_second",
]
WEIGHTS = ("best_model.pth", "last_model.pth")
ALL_FILES = {
    *WEIGHTS,
    "checkpoint.pt",
    "model.yaml",
    "metrics.csv",
    "curves.png",
    "confusion_matrix.png",
    "report.json",
}
