"""Language understanding: from a message to topics, roles and a confidence. The Rasa components live here."""
