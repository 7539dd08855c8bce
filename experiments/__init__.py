"""Training, reports, screening and studies."""

import preprocess  # noqa: F401  first of all: it watches for signals while libraries load
