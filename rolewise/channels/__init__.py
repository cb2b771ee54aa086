"""The channels: how messages come in and cards go out. Nothing here knows a question or an answer."""
