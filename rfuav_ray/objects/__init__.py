"""Object storage: addresses, what a submission asks of a bucket, and a bounded local cache of its objects.

Knows nothing of tasks, and nothing about what the objects hold.
"""
