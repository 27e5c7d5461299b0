"""Judges plugins and hosts: the catalogue, the suites, the reports and the command `hookproof`."""
