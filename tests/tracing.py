"""Ends a process at a system call of our choosing, which `kill` from outside can only hope for."""

import ctypes
import os
import pickle
import platform
import signal
import sys
import traceback
from collections import Counter
from collections.abc import Callable
from typing import NamedTuple, NoReturn

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


class Call(NamedTuple):
    """One system call of a process: the first `write`, say, or the fourth."""

    name: str
    occurrence: int


def calls_of(action: Callable[[], object]) -> list[Call]:
    """
    Run *action* in a process of its own, to its end.

    Returns:
        All its system calls, those of all its threads, as they were entered.
    """
    return _report(lambda: _trace(action, lambda call: False))


def killed_at(call: Call, action: Callable[[], object]) -> bool:
    """
    Run *action* in a process of its own that is killed as it enters the system call *call*.

    A call is known by its name and how often that came before, not by its place among all:
    a buffer that the process had to ask memory for would move every later one.

    Returns:
        Whether it came so far; if not, it ended by itself.
    """
    return call in _report(lambda: _trace(action, lambda each: each == call))


def _report(work: Callable[[], list[Call]]) -> list[Call]:
    """Do *work* in a process of its own, which is a tracer, and return what it returns."""
    reading, writing = os.pipe()
    tracer = os.fork()
    if not tracer:
        os.close(reading)
        _as_child(lambda: os.write(writing, pickle.dumps(work())))
    os.close(writing)
    with open(reading, "rb") as answer:
        said = answer.read()
    _, status = os.waitpid(tracer, 0)
    if status:
        pytest.fail(f"the tracer ended with {status}")
    calls: list[Call] = pickle.loads(said)
    return calls


def _trace(action: Callable[[], object], kills: Callable[[Call], bool]) -> list[Call]:
    """
    Be the tracer: its only child is the process that does *action*.

    Returns:
        The calls it entered; the last is that for which *kills* was true, if there was one.
    """
    child = os.fork()
    if not child:
        _ptrace(_TRACEME, 0)
        os.kill(os.getpid(), signal.SIGSTOP)
        _as_child(action)
    os.waitpid(child, 0)
    _ptrace(_SETOPTIONS, child, _OPTIONS)
    _ptrace(_SYSCALL, child)
    calls: list[Call] = []
    times: Counter[str] = Counter()
    while True:
        task, status = os.waitpid(-1, _ALL_CHILDREN)
        if not os.WIFSTOPPED(status):
            if task == child and status:
                raise RuntimeError(f"the traced process ended with {status}")
            if task == child:
                return calls
            continue
        stop = os.WSTOPSIG(status)
        number = _entered(task) if stop == _SYSCALL_STOP else None
        if number is not None:
            name = NAMES.get(number, str(number))
            times[name] += 1
            calls.append(Call(name, times[name]))
            if kills(calls[-1]):
                os.kill(child, signal.SIGKILL)
                while os.waitpid(-1, _ALL_CHILDREN)[0] != child:
                    pass
                return calls
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
