"""The micro-VM: real kernels, fetched tools, and what the kernel says about a scheduler.

Put together from single ideas: `sources`, `apt`, `cache`, `fetch`, `toolbox` bring the tools;
`initramfs`, `topology`, `qemu`, `frames`, `guest` run a job in a guest; `session` loads
schedulers and runs workloads under them; `verifier_log`, `dmesg`, `outcome` read the kernel.
`api` is what others use of it; who only looks for tools needs no more than `toolbox`.
"""
