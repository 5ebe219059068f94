"""Measurements of Tollbook beside a bare pass-through: never part of the tests, which know no timing thresholds."""
