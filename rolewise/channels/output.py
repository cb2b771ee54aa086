"""An output channel that keeps a message whole: text, buttons and card in one item, never split at blank lines."""

from __future__ import annotations

from typing import Any

from rasa.core.channels.channel import CollectingOutputChannel
from rasa.shared.core.events import BotUttered


class WholeMessages(CollectingOutputChannel):
    """Collects one item a bot message: ``{recipient_id, text, buttons, custom}``."""

    def __init__(self, name: str) -> None:
        """Collect for the channel of this name."""
        super().__init__()
        self._name = name

    def name(self) -> str:
        """The name that actions see as the input channel."""
        return self._name

    async def send_response(self, recipient_id: str, message: dict[str, Any]) -> None:
        """Keep a message as it is."""
        item: dict[str, Any] = {
            "recipient_id": recipient_id,
            "text": message.get("text") or "",
            "buttons": message.get("buttons") or [],
        }
        if message.get("custom"):
            item["custom"] = message["custom"]
        self.messages.append(item)

    def repeat(self, recipient_id: str, given: list[BotUttered]) -> None:
        """Give an answer once more, as it was stored."""
        for event in given:
            item = {"recipient_id": recipient_id, "text": event.text or "", "buttons": event.data.get("buttons") or []}
            custom = event.data.get("custom")
            self.messages.append({**item, **({"custom": custom} if custom else {})})
