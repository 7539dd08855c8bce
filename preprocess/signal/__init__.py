"""What is seen in a signal before any beat is cut: filters, R peaks, quality, fibrillation."""
