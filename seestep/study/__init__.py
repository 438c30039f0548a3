"""Study: intervals, paired tests, comparisons and ablations over stored scores."""
