"""Ways for records to leave the process."""
