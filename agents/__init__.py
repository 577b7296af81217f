"""Faust agents, thin: take a chunk, call the core, send what it says."""
