"""seestep: post-train embodied vision-language models, with the evidence that it helped."""

__version__ = "0.1.0"
