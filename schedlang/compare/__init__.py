"""Policies against the kernel's own scheduler, by measurement: plan, samples, statistics, verdict.

Pure but for `collect`, which has the runs done. A report is a function of the samples alone.
"""
