"""The process that remembers and answers: it reads the journal, meters, prices, writes the book and answers questions."""
