"""Cells, the network around them, and the model file."""
