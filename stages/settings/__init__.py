"""The schemas of params.yaml, and how a mistake in it is told."""
