"""How often 95 % intervals hold what they are about: simulated windows through the accumulators of the service."""
