"""The custom actions: thin, tracker in, card out."""
