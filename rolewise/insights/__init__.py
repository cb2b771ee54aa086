"""What the stored conversations tell: figures, what was not answered, and what a new model would answer otherwise."""
