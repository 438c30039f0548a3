"""Curation: rules, a quality score, duplicates and quotas, with a reason for every drop."""
