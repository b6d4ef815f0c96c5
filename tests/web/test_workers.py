"""The background workers: one for each queue, forked from one process, started again, never left behind."""

import json
import os
import signal
import subprocess
import sys
import time

import psutil
import pytest

from comity.web.postgres import APP
from comity.web.server import QUEUES
from tests.room import started, superuser

pytestmark = pytest.mark.gate
COMMAND = [sys.executable, "-m", "comity.web.workers"]


def until(condition, seconds=120):
    """Wait until there is something that counts; on a busy machine that takes minutes."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if found := condition():
            return found
        time.sleep(0.05)
    raise AssertionError("it never came about")


def lives(process):
    return process.is_running() and process.status() != psutil.STATUS_ZOMBIE


@pytest.fixture
def run():
    """Run workers in the room of this process, from a shell where one is wanted; kill what is left at the end."""
    room = started()
    app = room.cluster.parameters(APP)
    environment = os.environ | {
        "COMITY_DATA": str(room.data),
        "COMITY_SOCKET": app["HOST"],
        "COMITY_APP_PASSWORD": app["PASSWORD"],
    }
    log = room.data / "workers.log"
    seen = []

    def start(*command):
        with log.open("w") as out:
            process = psutil.Popen(command, env=environment, stdout=out, stderr=out)
        seen.append(process)
        return process

    def processes(parent, number):
        """The workers, once there are so many that have said so."""
        workers = until(lambda: len(found := parent.children()) == number and found)
        seen.extend(workers)
        until(lambda: log.read_text().count("Launching a worker") >= number)
        return set(workers)

    start.log, start.processes = log, processes
    yield start
    for process in seen:
        if lives(process):
            process.kill()
        if isinstance(process, psutil.Popen):
            process.wait(60)
    with superuser() as everybody:
        everybody.execute("DELETE FROM procrastinate_jobs")


def deferred(queue, task="outbox.recover"):
    with superuser() as everybody:
        insert = "INSERT INTO procrastinate_jobs (queue_name, task_name, args) VALUES (%s, %s, %s) RETURNING id"
        return everybody.execute(insert, [queue, task, json.dumps({"timestamp": 0})]).fetchone()[0]


def states(jobs):
    with superuser() as everybody:
        rows = everybody.execute("SELECT status::text FROM procrastinate_jobs WHERE id = ANY (%s) ORDER BY id", [jobs])
        return [state for (state,) in rows]


def test_each_queue_has_a_worker_that_does_its_jobs_and_logs_what_fails(run):
    jobs = [deferred(queue) for queue in QUEUES]
    unknown = deferred("mail", "no.such_task")
    parent = run(*COMMAND, *QUEUES)
    run.processes(parent, len(QUEUES))
    until(lambda: states(jobs) == ["succeeded"] * len(QUEUES))
    until(lambda: states([unknown]) == ["failed"])
    for log in (run.log, started().data / "logs" / "comity.log"):
        assert until(lambda log=log: log.exists() and log.read_text().count("no.such_task")) >= 1
    assert len(parent.children()) == len(QUEUES)  # none has ended meanwhile
    assert parent.net_connections("all") == []  # what it opened, its workers would share


@pytest.mark.long
def test_killed_worker_is_started_again_and_the_others_go_on(run):
    parent = run(*COMMAND, "records", "mail")
    before = run.processes(parent, 2)
    (killed, other) = before
    killed.kill()
    after = until(lambda: len(found := set(parent.children())) == 2 and found != before and found)
    assert after & before == {other}
    jobs = [deferred("records"), deferred("mail")]
    until(lambda: states(jobs) == ["succeeded"] * 2)


@pytest.mark.long
def test_workers_that_compute_for_long_stand_behind_pages_and_mails(run):
    before = os.getpriority(os.PRIO_PROCESS, 0)
    parent = run(*COMMAND, "records", "mail")
    priorities = sorted(worker.nice() - before for worker in run.processes(parent, 2))
    assert priorities == [0, 10] or before > 9  # where all of this runs behind others already


@pytest.mark.long
def test_stopped_workers_have_ended_even_one_that_hangs(run):
    parent = run(*COMMAND, "records", "mail")
    workers = run.processes(parent, 2)
    next(iter(workers)).send_signal(signal.SIGSTOP)
    parent.terminate()
    assert parent.wait(60) == 0
    assert not [worker for worker in workers if lives(worker)]


@pytest.mark.long
def test_no_worker_outlives_its_parent(run):
    parent = run(*COMMAND, "records", "mail")
    workers = run.processes(parent, 2)
    parent.kill()
    until(lambda: not [worker for worker in workers if lives(worker)])


def test_no_worker_outlives_a_killed_server(run):
    shell = run("sh", "-c", f"{subprocess.list2cmdline([*COMMAND, 'records', 'mail'])}; true")
    parent = until(shell.children)[0]
    workers = run.processes(parent, 2)
    shell.kill()
    until(lambda: not [process for process in (parent, *workers) if lives(process)])
