"""The copy problem: remember symbols over a stretch of blanks, and say them again.

A diagnostic: what a cell scores here is how far its memory reaches, and nothing else.
"""
