"""Workloads: what tasks do, described once for the simulator and for the micro-VM."""
