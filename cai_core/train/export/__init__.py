"""Data, settings and start commands for trainers of other projects, for sizes beyond one node.

What they read and how their options are called was looked up in the versions that the files name. No
library of theirs is needed to write it.
"""
