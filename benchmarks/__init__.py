"""Benchmarks: each prints what the keeper does against a baseline measured in the same run."""
