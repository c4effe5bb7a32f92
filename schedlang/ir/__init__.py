"""The typed intermediate representation: nodes, their verifier and their printed form."""
