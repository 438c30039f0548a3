"""Sources: official files of public data sets, read as they are, one module a data set."""
