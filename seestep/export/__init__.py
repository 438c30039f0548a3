"""Export: records and pairs as the files that other trainers read."""
