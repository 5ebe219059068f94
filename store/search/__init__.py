"""Full text search: the words of requests and answers, in a third file, built behind the rows.

`search.db` is derived: it may be deleted at any time and is made anew. `Indexing` is its one writer; questions read it
through their snapshots (condition.py, reach.py). What is searched for is `syntax.py`, what is indexed `texts.py`.
"""
