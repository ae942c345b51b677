"""`rfuav serve` on its own: these come first, before the service of the session takes its share of the cores."""
