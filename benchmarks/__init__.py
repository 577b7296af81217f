"""What Hindcast costs beside the same job written in other ways; see README.md."""
