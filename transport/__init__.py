"""Faust's aiokafka transport, a chunk of records at a time."""
