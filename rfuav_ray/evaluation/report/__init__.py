"""The report of an evaluation for people: plots, and a page that needs nothing but itself."""
