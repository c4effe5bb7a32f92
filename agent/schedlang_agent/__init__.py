"""The agent's package: it will search for policies, prove them, and measure them in the micro-VM.

Nothing is in it yet. Its name is taken now so that the wheel's layout, the entry points and the
rule that the compiler never imports it hold from the first version on.
"""
