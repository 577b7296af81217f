"""What every process of ours serves over HTTP: metrics and probes."""
