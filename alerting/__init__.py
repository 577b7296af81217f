"""Judges metric records and tells people; knows nothing of how the records were made."""
