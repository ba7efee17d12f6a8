"""Methods that need no network, and never load torch."""
