"""Kinds of beats, and the rhythms that they make."""
