"""The tool of those who receive: makes their key, checks a package, opens it. Works offline, asks nobody.

Nothing it opens stands under its final name before everything was checked, and nothing is left behind when a check
fails.
"""
