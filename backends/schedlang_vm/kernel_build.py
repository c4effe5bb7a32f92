"""Builds the oldest kernel with sched_ext, 6.12, which Debian ships without it.

Guarantees: published only when its configuration really has all that was asked for; built once
per cache and configuration; the build runs at low priority and in the cache's scratch space.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from contextlib import suppress
from pathlib import Path
from typing import Final

from schedlang_vm.apt import Say, extract, machine_mirror
from schedlang_vm.cache import Cache
from schedlang_vm.errors import EnvironmentProblem
from schedlang_vm.fetch import Fetched, Fetching

NAME: Final = "kernel-6.12"
_SOURCE: Final = "linux-source-6.12"
_PROGRAMS: Final = ("gcc", "make", "flex", "bison", "bc", "xz", "pahole", "perl")
_HEADERS: Final = ("gelf.h", "openssl/opensslv.h")
_INSTALL: Final = (
    "apt-get install gcc make flex bison bc xz-utils dwarves perl libelf-dev libssl-dev"
)
_OPTIONS: Final = (
    *("64BIT", "SMP", "NUMA", "ACPI_NUMA", "X86_64_ACPI_NUMA", "HYPERVISOR_GUEST", "PARAVIRT"),
    *("KVM_GUEST", "ACPI", "PCI", "X86_X2APIC", "HOTPLUG_CPU", "CPU_FREQ", "SCHED_MC", "SCHED_SMT"),
    *("PRINTK", "PRINTK_TIME", "TTY", "SERIAL_8250", "SERIAL_8250_CONSOLE", "MAGIC_SYSRQ"),
    *("BLK_DEV_INITRD", "RD_GZIP", "BINFMT_ELF", "BINFMT_SCRIPT", "MULTIUSER", "FILE_LOCKING"),
    *("PROC_FS", "PROC_SYSCTL", "SYSFS", "TMPFS", "DEVTMPFS", "SHMEM", "SYSVIPC", "DEBUG_FS"),
    *("FUTEX", "EPOLL", "SIGNALFD", "TIMERFD", "EVENTFD", "POSIX_TIMERS", "NET", "UNIX", "INET"),
    *("HIGH_RES_TIMERS", "NO_HZ_IDLE", "HZ_250", "PREEMPT", "PSI", "SCHED_DEBUG", "SCHEDSTATS"),
    *("CGROUPS", "CGROUP_SCHED", "FAIR_GROUP_SCHED", "CFS_BANDWIDTH", "CPUSETS", "UCLAMP_TASK"),
    *("BPF", "BPF_SYSCALL", "BPF_JIT", "BPF_JIT_ALWAYS_ON", "SCHED_CLASS_EXT", "EXT_GROUP_SCHED"),
    *("DEBUG_KERNEL", "DEBUG_INFO_DWARF5", "DEBUG_INFO_BTF", "KALLSYMS", "KALLSYMS_ALL"),
    *("FTRACE", "KPROBES", "KPROBE_EVENTS", "BPF_EVENTS", "PERF_EVENTS"),
)
# tinyconfig starts from a kernel for one CPU, and olddefconfig would only raise that to two.
_FRAGMENT: Final = (*(f"CONFIG_{option}=y" for option in _OPTIONS), "CONFIG_NR_CPUS=64")
_REPORT_EVERY_S: Final = 60.0


def build_oldest_kernel(cache: Cache, say: Say, jobs: int | None = None) -> None:
    """Fetch, configure, build and publish; returns at once when it is there."""
    with cache.writing(NAME) as work:
        stamp = cache.stamp(NAME)
        if stamp is not None and not _lacking(stamp.root / "config"):
            return
        require_build_tools()
        got = _build(Fetching(machine_mirror(), work, say), jobs or os.cpu_count() or 1)
        cache.publish(NAME, got.version, got.tree, got.packages)
    say(f"{NAME}: {got.version} is ready")


def require_build_tools() -> None:
    """Raise with the install command when a program or a header is missing."""
    missing = [name for name in _PROGRAMS if shutil.which(name) is None]
    if "gcc" not in missing:
        missing += [name for name in _HEADERS if not _compiles(f"#include <{name}>\n")]
    if missing:
        raise EnvironmentProblem(f"to build a kernel, {', '.join(missing)} is missing", _INSTALL)


def _compiles(code: str) -> bool:
    command = ["gcc", "-x", "c", "-fsyntax-only", "-"]
    done = subprocess.run(command, input=code.encode(), capture_output=True, check=False)
    return done.returncode == 0


def _build(fetching: Fetching, jobs: int) -> Fetched:
    suites = fetching.suites(newer=True)
    needs = fetching.apt("source", suites).depends(_SOURCE)
    apt = fetching.apt("source", suites, needs)
    packages = extract(apt.download([_SOURCE], fetching.say), fetching.work / "package")
    archive = next((fetching.work / "package").rglob(f"{_SOURCE}.tar.xz"))
    fetching.say(f"{NAME}: unpacking and configuring {packages[0].version}")
    _run(["tar", "-xJf", str(archive), "-C", str(fetching.work)], fetching.work)
    source = fetching.work / _SOURCE
    _configure(source)
    _make(source, jobs, fetching.say)
    release = _run(["make", "-s", "kernelrelease"], source).strip()
    tree = fetching.work / "kernel"
    tree.mkdir()
    shutil.copy(source / "arch/x86/boot/bzImage", tree / "vmlinuz")
    shutil.copy(source / ".config", tree / "config")
    return Fetched(release, tree, packages)


def _configure(source: Path) -> None:
    _run(["make", "tinyconfig"], source)
    fragment = source / "schedc.config"
    fragment.write_text("".join(f"{line}\n" for line in _FRAGMENT))
    _run(["scripts/kconfig/merge_config.sh", "-m", ".config", fragment.name], source)
    _run(["make", "olddefconfig"], source)
    if lacking := _lacking(source / ".config"):
        raise EnvironmentProblem(
            f"this kernel's configuration refuses {', '.join(lacking)}", "report this as a bug"
        )


def _lacking(config: Path) -> tuple[str, ...]:
    """What was asked for and is not in a configuration; Kconfig drops such lines silently."""
    lines = config.read_text().splitlines()
    return tuple(line for line in _FRAGMENT if line not in lines)


def _make(source: Path, jobs: int, say: Say) -> None:
    log = source / "schedc-build.log"
    begun_s = time.monotonic()
    say(f"{NAME}: building with {jobs} jobs at low priority; 12 minutes or more on 2 cores")
    with open(log, "wb") as output:
        command = ["nice", "-n", "10", "make", f"-j{jobs}", "bzImage"]
        with subprocess.Popen(command, cwd=source, stdout=output, stderr=output) as process:
            while process.poll() is None:
                with suppress(subprocess.TimeoutExpired):
                    process.wait(_REPORT_EVERY_S)
                say(f"  {(time.monotonic() - begun_s) / 60:.0f} min, {_last_line(log)}")
    if process.returncode != 0:
        raise EnvironmentProblem(f"the kernel build failed: {_tail(log)}", _INSTALL)


def _last_line(log: Path) -> str:
    lines = log.read_text(errors="replace").splitlines()
    return lines[-1].strip() if lines else ""


def _tail(log: Path) -> str:
    return "\n".join(log.read_text(errors="replace").splitlines()[-15:])


def _run(command: list[str], folder: Path) -> str:
    done = subprocess.run(
        ["nice", "-n", "10", *command], cwd=folder, capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        raise EnvironmentProblem(f"`{' '.join(command)}` failed: {done.stderr[-500:]}", _INSTALL)
    return done.stdout
