"""Whether what the compiler makes of a policy does what the policy means."""
