"""Reports: one model, built from records, and its renderings as terminal text, JSON and JUnit."""
