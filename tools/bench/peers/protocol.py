"""The bench's line protocol, as in ours/protocol.mjs: commands on stdin, one JSON line each on stdout."""

import json
import os
import sys
import time


def rss(field):
    """VmHWM (the peak) or VmRSS of this process, in kB."""
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith(f"{field}:"))


def serve(make_variant, describe):
    """
    Runs a variant until `end`. It is made when first needed: with `step()`, which runs one step and returns a
    number that depends on all of it, and `check(file)`, which writes what must agree. One that uses other processes has a
    `cpu_time()` of its own.
    """
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)  # whatever libraries print is no answer

    def answer(**values):
        answers.write(json.dumps(values) + "\n")

    start_rss = rss("VmRSS")
    variant = make_variant()
    answer(ready=describe, startRss=start_rss)
    for line in sys.stdin:
        command, _, argument = line.strip().partition(" ")
        if command == "step":
            cpu_time = getattr(variant, "cpu_time", time.process_time)
            wall, cpu = time.perf_counter(), cpu_time()
            value = variant.step()
            answer(
                value=value,
                seconds=time.perf_counter() - wall,
                cpuSeconds=cpu_time() - cpu,
            )
        elif command == "check":
            variant.check(argument)
            answer(file=argument)
        elif command == "end":
            answer(peakRss=rss("VmHWM"))
            return
