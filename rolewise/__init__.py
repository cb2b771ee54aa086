"""Rolewise: a conversational FAQ assistant for three technology careers, on Rasa and spaCy."""

__version__ = "0.1.0"
