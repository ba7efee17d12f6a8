"""The two regimes of a model, and how they are measured."""
