"""The one door to files of users: it opens nothing outside of the roots, and nothing of false size.

Knows nothing about what the files hold.
"""
