"""What is done to Rasa so that it serves: running it, sparing it work, its actions in the same process, training."""
