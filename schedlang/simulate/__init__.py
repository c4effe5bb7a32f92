"""A workload on the reference machine: what would happen, exactly, from a policy and a seed."""
