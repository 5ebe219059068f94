"""Where the index is, and which version of it this program reads and writes."""

SEARCH_FILE = "search.db"
SEARCH_VERSION = 1
