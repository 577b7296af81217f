"""State by partition: the join, its windows, the merge, and the block log that keeps them."""
