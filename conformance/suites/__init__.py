"""The suites, a package of pytest files for each system; run by `hookproof certify` or by `pytest --pyargs`."""
