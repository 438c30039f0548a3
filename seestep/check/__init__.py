"""What is wrong with a training file that somebody else made, before a GPU finds out."""
