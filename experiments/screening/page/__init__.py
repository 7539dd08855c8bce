"""The page of a recording, and of a folder of them."""
