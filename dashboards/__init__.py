"""Grafana dashboards as code: ``python -m dashboards`` writes their JSON beside it and into the chart."""
