"""A recording that nobody has looked at: from file to page."""
