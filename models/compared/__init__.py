"""Detectors that b2igan is compared with."""
