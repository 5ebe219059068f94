"""The process that remembers and answers: it reads the journal, meters, prices and writes the book."""
