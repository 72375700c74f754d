"""Matching (pemadanan): whose is a row that somebody sent, and how sure is that?

`names` brings names to forms that can be compared,
and their version is part of every index and model that uses them.
"""
