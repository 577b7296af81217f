"""Ways to reach somebody; the only part of alerting that touches the network."""
