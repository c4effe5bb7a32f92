"""What the compiler tells of a policy beyond errors: proofs, objects, runs; as text and as JSON."""
