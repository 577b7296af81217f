"""Loads the topics, starts the measured programs, samples them and writes down what came out."""
