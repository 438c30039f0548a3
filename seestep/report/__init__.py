"""Report: one static page and one results.json that tell what a run did and what it proved."""
