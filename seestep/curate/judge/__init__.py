"""A model as judge: what it is asked, when it may decide, and what became of every question."""
