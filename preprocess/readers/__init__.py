"""Recordings of every format, read lead by lead and stretch by stretch."""
