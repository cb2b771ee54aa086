"""From a message and what was said before to what is answered: decision, dialogue, questionnaire."""
