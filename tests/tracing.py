"""Ends a process at a system call of our choosing, which `kill` from outside can only hope for."""

import ctypes
import os
import platform
import signal
import sys
import traceback
from collections.abc import Callable
from typing import NoReturn

import pytest


_LIBC = ctypes.CDLL(None, use_errno=True)
_LIBC.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]
_LIBC.ptrace.restype = ctypes.c_long

_TRACEME, _SYSCALL, _SETOPTIONS, _GET_SYSCALL_INFO = 0, 24, 0x4200, 0x420E
_OPTIONS = 1 | 8 | 0x100000  # mark the stops of system calls, follow threads, die with the tracer
_ALL_CHILDREN = 0x40000000  # __WALL: threads too
_SYSCALL_STOP = signal.SIGTRAP | 0x80
_ENTRY = 1

#: Names of the system calls that change something, on the machines where numbers are known.
NAMES = (
    {
        0: "read", 1: "write", 17: "pread64", 18: "pwrite64", 42: "connect", 44: "sendto",
        45: "recvfrom", 48: "shutdown", 73: "flock", 74: "fsync", 82: "rename", 217: "getdents64",
        257: "openat",
    }
    if platform.machine() == "x86_64"
    else {}
)  # fmt: skip


def killed_at(number: int, action: Callable[[], object]) -> str | None:
    """
    Run *action* in a process of its own that is killed as it enters a system call.

    Args:
        number: The how manieth system call that is, those of all its threads counted.

        action: What it does.

    Returns:
        The name of the system call, or None if the process had ended before.
    """
    reading, writing = os.pipe()
    tracer = os.fork()
    if not tracer:
        os.close(reading)
        _as_child(lambda: os.write(writing, _trace(number, action).encode()))
    os.close(writing)
    with open(reading, "rb") as answer:
        said = answer.read().decode()
    _, status = os.waitpid(tracer, 0)
    if status or not said or said.startswith("!"):
        pytest.fail(f"the tracer ended with {status} at call {number}: {said}")
    return None if said == "ended" else said


def _trace(number: int, action: Callable[[], object]) -> str:
    """Be the tracer: its only child is the process that does *action*."""
    child = os.fork()
    if not child:
        _ptrace(_TRACEME, 0)
        os.kill(os.getpid(), signal.SIGSTOP)
        _as_child(action)
    os.waitpid(child, 0)
    _ptrace(_SETOPTIONS, child, _OPTIONS)
    _ptrace(_SYSCALL, child)
    calls = 0
    while True:
        task, status = os.waitpid(-1, _ALL_CHILDREN)
        if not os.WIFSTOPPED(status):
            if task == child:
                return "ended" if not status else f"!ended with {status}"
            continue
        stop = os.WSTOPSIG(status)
        call = _entered(task) if stop == _SYSCALL_STOP else None
        calls += call is not None
        if call is not None and calls == number:
            os.kill(child, signal.SIGKILL)
            while os.waitpid(-1, _ALL_CHILDREN)[0] != child:
                pass
            return NAMES.get(call, str(call))
        passed_on = stop if stop not in {_SYSCALL_STOP, signal.SIGTRAP, signal.SIGSTOP} else 0
        _ptrace(_SYSCALL, task, passed_on)


def _entered(task: int) -> int | None:
    """Return the number of the system call that *task* enters, or None if it leaves one."""
    buffer = (ctypes.c_uint8 * 88)()
    _ptrace(_GET_SYSCALL_INFO, task, 88, ctypes.addressof(buffer))
    if buffer[0] != _ENTRY:
        return None
    return int.from_bytes(bytes(buffer[24:32]), sys.byteorder)


def _ptrace(request: int, task: int, data: int = 0, place: int = 0) -> None:
    # PTRACE_GET_SYSCALL_INFO takes its size as the address, and the address as the data.
    address, value = (data, place) if request == _GET_SYSCALL_INFO else (0, data)
    if _LIBC.ptrace(request, task, address, value) < 0 and ctypes.get_errno() != 3:
        raise OSError(ctypes.get_errno(), f"ptrace({request:#x}) failed")


def _as_child(action: Callable[[], object]) -> NoReturn:
    """Do *action* and end, without what the tests' own process does at its end."""
    code = 0
    try:
        action()
    except SystemExit as error:
        code = int(error.code or 0)
    except BaseException:  # noqa: BLE001 - the tests see it by the exit code
        traceback.print_exc()
        code = 70
    os._exit(code)
