"""Coordinates with a declared frame: the one place that converts, writes and reads them.

frames (what a number means), resize (what a model sees), convert (exact), render (write),
parse (read back), exif (turn with the image), masks (regions).
"""
