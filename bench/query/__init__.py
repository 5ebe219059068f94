"""Questions about large books: how long they take, and what they cost the calls that are relayed meanwhile."""
