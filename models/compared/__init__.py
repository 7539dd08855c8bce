"""Detectors that b2igan is compared with, one a file; what begins with _ is shared."""
