"""Runs a command that the kernel denies some system calls, as a container's seccomp profile does.

    deny.py ERRNO NUMBER[,NUMBER] COMMAND...
"""
import ctypes
import errno
import os
import sys

ALLOW, DENY = 0x7FFF0000, 0x00050000
LOAD, JUMP_IF_EQUAL, ANSWER = 0x20, 0x15, 0x06
NO_NEW_PRIVILEGES, SET_SECCOMP, FILTER_MODE = 38, 22, 2


class Filter(ctypes.Structure):
    _fields_ = [("code", ctypes.c_ushort), ("jt", ctypes.c_ubyte), ("jf", ctypes.c_ubyte), ("k", ctypes.c_uint32)]


class Program(ctypes.Structure):
    _fields_ = [("length", ctypes.c_ushort), ("filter", ctypes.POINTER(Filter))]


def deny(number, calls):
    """From here on these calls (x86_64's numbers) answer with this error, in this process and its children."""
    libc = ctypes.CDLL(None, use_errno=True)
    filters = [Filter(LOAD, 0, 0, 0)]
    filters += [Filter(JUMP_IF_EQUAL, len(calls) - index, 0, call) for index, call in enumerate(calls)]
    filters += [Filter(ANSWER, 0, 0, ALLOW), Filter(ANSWER, 0, 0, DENY | number)]
    program = Program(len(filters), (Filter * len(filters))(*filters))
    assert libc.prctl(NO_NEW_PRIVILEGES, 1, 0, 0, 0) == 0
    assert libc.prctl(SET_SECCOMP, FILTER_MODE, ctypes.byref(program)) == 0, errno.errorcode[ctypes.get_errno()]


if __name__ == "__main__":
    deny(int(sys.argv[1]), [int(call) for call in sys.argv[2].split(",")])
    os.execv(sys.argv[3], sys.argv[3:])
