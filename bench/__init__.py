"""Benchmarks, each side by side with stock Rasa in the same run. Nothing here is needed to run the assistant."""
