"""Pretraining of the embedded base: the training engine, and what a model from nothing needs more.

Two things are added to supervised fine-tuning: every visual token is told what it shows
(``cells``), and many questions share one look at their pictures (``pack``, ``attention``).
"""
