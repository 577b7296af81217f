"""What the service tells about itself: Prometheus series and health."""
