"""The call index: a cache of the call folders, which are the truth, in one SQLite file.

``schema``    the tables, and how we know the file again
``database``  opens the file; says in one line why it cannot be used
``index``     the queries
``catchup``   makes the index say what the folders say
``indexed``   the store of ``parley serve``: lists from the index, or from the folders without one
``reindex``   ``parley doctor --reindex``

Nothing here is in the way of a call: without an index all goes on, only filters are slow.
"""

from gateway.store.catchup import catch_up
from gateway.store.database import IndexUnusable, open_index
from gateway.store.index import CallIndex
from gateway.store.indexed import IndexedCalls

__all__ = ["CallIndex", "IndexUnusable", "IndexedCalls", "catch_up", "open_index"]
