"""The one place where things meet: settings, wiring, the command line."""
