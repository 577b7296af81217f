"""The programs that Hindcast is measured against, each a whole program of its own."""
