"""Other tools' specifications, read and written anew as policies."""
