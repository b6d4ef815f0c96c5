"""The background workers: forked from one process that has imported the apps, and started again when they end.

`python -m comity.web.workers QUEUE...` runs one worker for each queue until SIGTERM. What the apps are made of takes
two seconds and some 170 MB to import; forked workers pay for it once, and share its memory.

Nothing is open when a worker is forked: no connection, no file, no thread of ours. Threads of libraries exist by then
(OpenBLAS, jemalloc, DuckDB's default instance); they are idle, and these libraries allow for a fork. A worker ends by
`os._exit`, since DuckDB would wait for a thread that the fork did not copy.
"""

import contextlib
import gc
import logging
import os
import signal
import sys
import threading
import time
import traceback
import warnings

import django

STOP_TIMEOUT_S = 2.0  # for a running job; an import that is interrupted is run again
_POLL_S = 0.2  # between two looks at the workers, and at whether the parent lives
_RESTART_S = 1.0  # before a worker that has ended is started again
# Queues whose jobs compute for long: pages and the database come before them, so that nobody waits for an import.
_LONG_QUEUES, _LOWER_PRIORITY = frozenset({"records", "uploads", "reviews"}), 10


def main() -> None:
    """Run a worker for each queue that the arguments name, until a signal stops them or the server has died."""
    server = os.getppid()
    _import_apps()
    stopped = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopped.set())
    queues, due_at = {}, dict.fromkeys(sys.argv[1:], 0.0)  # the queue of each process; when to start each other queue
    # A server that was killed can stop nobody; its successor has workers of its own.
    while not stopped.is_set() and os.getppid() == server:
        now = time.monotonic()
        for queue in [queue for queue, at in due_at.items() if at <= now]:
            del due_at[queue]
            queues[_fork(queue)] = queue
        for process in _ended(queues):
            due_at[queues.pop(process)] = time.monotonic() + _RESTART_S
        time.sleep(_POLL_S)
    _stop(queues)


def _import_apps() -> None:
    """Import everything that workers share."""
    django.setup()
    from django.urls import get_resolver  # noqa: PLC0415 - reads the settings
    from procrastinate.contrib.django.management.commands import procrastinate  # noqa: F401, PLC0415 - the same

    _ = get_resolver().url_patterns  # mails contain links
    gc.collect()
    gc.freeze()  # a collection that visits these objects would copy their pages into each worker


def _fork(queue: str) -> int:
    """Start the worker of a queue; return its process."""
    parent = os.getpid()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # Python counts the libraries' threads, see above
        process = os.fork()
    if process == 0:
        _run(queue, parent)
    return process


def _run(queue: str, parent: int) -> None:
    """Be the worker of a queue; never return."""
    status = 1
    try:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        signal.signal(signal.SIGINT, signal.default_int_handler)
        threading.Thread(target=_end_after, args=[parent], daemon=True).start()
        if queue in _LONG_QUEUES:
            os.nice(_LOWER_PRIORITY)
        from django.core.management import call_command  # noqa: PLC0415 - reads the settings

        if queue == "clock":  # one process, which has nothing long to do
            from comity.apps.reviews.tasks import recompute_if_upgraded  # noqa: PLC0415 - reads the settings

            recompute_if_upgraded()
        call_command("procrastinate", "worker", "--concurrency", "1", "--queues", queue)
        status = 0
    except BaseException:  # noqa: BLE001 - as an interpreter does at its end
        traceback.print_exc()
    finally:
        logging.shutdown()
        with contextlib.suppress(OSError):
            sys.stdout.flush()
            sys.stderr.flush()
        os._exit(status)


def _end_after(parent: int) -> None:
    """End this worker once its parent has died, which starts nobody again: the server starts another parent."""
    while os.getppid() == parent:
        time.sleep(_POLL_S)
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(STOP_TIMEOUT_S)
    os._exit(1)


def _ended(processes: dict[int, str]) -> list[int]:
    """Collect the processes that have ended."""
    return [process for process in processes if os.waitpid(process, os.WNOHANG)[0] == process]


def _stop(processes: dict[int, str]) -> None:
    """Stop all workers; whoever has not ended in time is killed."""
    for process in processes:
        os.kill(process, signal.SIGTERM)
    deadline = time.monotonic() + STOP_TIMEOUT_S
    while processes and time.monotonic() < deadline:
        for process in _ended(processes):
            del processes[process]
        time.sleep(0.05)
    for process in processes:
        os.kill(process, signal.SIGKILL)
        os.waitpid(process, 0)


if __name__ == "__main__":
    main()
