"""Keeps pytest from collecting the toy suite as tests of ours."""

collect_ignore = ["toy"]
