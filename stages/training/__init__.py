"""Draw, fit and choose weights."""
