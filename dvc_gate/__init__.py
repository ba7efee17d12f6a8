"""A gate for the metrics of a DVC project, and a verifier of its dvc.lock: see README.md."""
