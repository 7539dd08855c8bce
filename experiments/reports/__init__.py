"""Pictures and pages of an evaluation."""
