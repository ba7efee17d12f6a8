"""The library behind the stages: arrays and typed parameters in, arrays out."""
