"""How a card looks on each kind of channel: pure functions from a card to what is shown."""
