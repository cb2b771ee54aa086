"""What a careers team does to its files: check them, add a topic, take in what was not answered. No Rasa is known here."""
