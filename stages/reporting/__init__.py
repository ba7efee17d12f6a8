"""What `plot` reads, and the figures, page and tables that it makes of it."""
