"""The commands of `rolewise`, one module each; `cli` reads the command line."""
