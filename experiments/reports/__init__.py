"""Pictures, pages and tables; screening uses style and pages too."""
