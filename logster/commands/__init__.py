"""The commands beside the run itself: one module each, imported only when called."""
