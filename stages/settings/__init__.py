"""The schemas of params.yaml, and the messages about mistakes in it."""
