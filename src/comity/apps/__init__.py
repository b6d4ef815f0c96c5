"""What people do in the shared room, one Django app a noun; a later one may use an earlier one.

Each app has the same layers, each using only what stands below it: urls, views, forms, operations, queries, models.
"""
