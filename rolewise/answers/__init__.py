"""Choosing what is said of a question and putting it together as a card, and the FAQ page made of the same. Nothing of Rasa here."""
