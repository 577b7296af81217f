"""The read side: a day of our output topics in memory, served as JSON, CSV and server-sent events.

It reads `hindcast-metrics`, `-alerts`, `-decisions` and `-dead-letters` and nothing else, commits nothing and keeps
nothing on disk: any number of these processes may run, and each may be stopped at any time.
"""
