"""The live page: reads our output topics and nothing else."""
