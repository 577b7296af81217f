"""What travels on Kafka: names, times, records and batches. Imports nothing of ours."""
