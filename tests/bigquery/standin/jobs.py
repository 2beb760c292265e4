"""Jobs: what they are asked, how they go, and how they are shown."""

import asyncio
import itertools
import threading
import time

from bqemulator.jobs.executor import JOB_RESULTS, JOB_SCHEMAS, build_response_schema

import googlesql
import transfers
from errors import ApiError, asked_for, of
from script import Script

_numbers = itertools.count(1)
_done = threading.Condition()


class Job:
    """A job of a client's."""

    def __init__(self, project, reference, configuration, effects=()):
        self.project = project
        self.id = reference["jobId"]
        self.location = reference.get("location") or "US"
        self.configuration = configuration
        self.number = next(_numbers)
        self.effects = [effect for effect in effects if effect.is_of_job()]
        self.state = "PENDING"
        self.error = None
        self.created = self.started = self.ended = time.time()
        self.statistics = {}
        self.children = []
        self.parent = None
        self.is_cancelled = False
        self.data = None  # what an upload brought
        self.user = ""  # who asked for it

    @property
    def query(self):
        return self.configuration.get("query", {})

    @property
    def sql(self):
        return self.query.get("query", "")

    @property
    def emulator_id(self):
        """Job ids are global in the emulator."""
        return f"job_{self.number}"

    @property
    def kind(self):
        return next((kind for kind in ("query", "load", "copy", "extract") if kind in self.configuration), "query")

    def is_vanished(self):
        return any(effect.kind == "vanish" for effect in self.effects)

    # How it goes

    async def pause(self, done, is_script=True):
        """What was asked to happen when so many statements are done: waiting, failing; or it was cancelled."""
        for effect in [effect for effect in self.effects if effect.statements == done]:
            if done and not is_script:
                continue
            self.effects.remove(effect)
            if effect.kind == "slow":
                end = time.monotonic() + effect.seconds
                while time.monotonic() < end:
                    self.go_on()
                    await asyncio.sleep(0.005)
            elif effect.kind == "fail":
                raise asked_for(effect.reason)
        self.go_on()

    def go_on(self):
        timeout = int(self.configuration.get("jobTimeoutMs") or 0) / 1000
        if self.is_cancelled:
            raise ApiError("stopped")
        if timeout and time.time() - self.created > timeout:
            raise ApiError(
                "timeout",
                f"Operation timed out after {timeout:g} seconds. Consider reducing the amount of "
                "work performed by your operation so that it can complete within this limit.",
            )

    def check_billed(self, steps):
        """`maximumBytesBilled` counts for a statement and for a script as a whole."""
        limit = int(self.query.get("maximumBytesBilled") or 0)
        billed = sum(step.cost.billed() for step in steps)
        if limit and billed > limit:
            raise ApiError(
                "bytesBilledLimitExceeded",
                f"Query exceeded limit for bytes billed: {limit}. {billed} or higher required.",
            )

    def run(self, emulator):
        """Does the work, in a thread of its own."""
        try:
            self.state, self.started = "RUNNING", time.time()
            emulator.call(self.work(emulator))
        except Exception as error:
            self.error = of(error).proto()
        with _done:
            self.ended = time.time()
            self.statistics["totalSlotMs"] = str(max(int((self.ended - self.started) * 1000), 1))
            self.state = "DONE"
            _done.notify_all()

    async def work(self, emulator):
        await self.pause(0)
        if self.kind != "query":
            await transfers.carry_out(self, emulator)
            return
        googlesql.check(self.sql)
        script = Script(emulator, self)
        try:
            table = await script.run()
        finally:
            self.keep(script)
        steps = script.steps
        JOB_RESULTS[self.emulator_id] = table if table is not None else emulator_empty()
        schema = build_response_schema(table.schema) if table is not None else []
        if not script.is_script and steps:
            schema = schema or script.schema(steps[0])
        JOB_SCHEMAS[self.emulator_id] = schema

    def keep(self, script):
        """Statistics out of the steps that were taken; each step of a script is a job, too."""
        statistics = {"query": {"statementType": "SCRIPT", "cacheHit": False}}
        if script.is_script:
            self.children = [child(self, step, number) for number, step in enumerate(script.steps)]
            statistics["numChildJobs"] = str(len(self.children))
            total = (
                sum((step.cost for step in script.steps), start=type(script.steps[0].cost)()) if script.steps else None
            )
            billed = sum(step.cost.billed() for step in script.steps)
        else:
            step = script.steps[0] if script.steps else None
            total = step and step.cost
            billed = step.cost.billed() if step else 0
            if step:
                statistics["query"] |= of_step(step)
        processed = total.processed if total else 0
        statistics["query"] |= {"totalBytesProcessed": str(processed), "totalBytesBilled": str(billed)}
        statistics["totalBytesProcessed"] = str(processed)
        self.statistics |= statistics

    def wait(self, seconds):
        with _done:
            _done.wait_for(lambda: self.state == "DONE", timeout=seconds)
        return self.state == "DONE"

    # How it is shown

    def resource(self):
        statistics = dict(self.statistics)
        statistics["creationTime"] = millis(self.created)
        if self.state != "PENDING":
            statistics["startTime"] = millis(self.started)
        if self.state == "DONE":
            statistics["endTime"] = millis(self.ended)
        if self.parent:
            statistics["parentJobId"] = self.parent.id
        status = {"state": self.state}
        if self.error:
            status |= {"errorResult": self.error, "errors": [self.error]}
        return {
            "kind": "bigquery#job",
            "etag": f"{self.number}-{self.state}",
            "id": f"{self.project.id}:{self.location}.{self.id}",
            "selfLink": f"https://bigquery.googleapis.com/bigquery/v2/projects/{self.project.id}/jobs/{self.id}",
            "jobReference": {"projectId": self.project.id, "jobId": self.id, "location": self.location},
            "configuration": self.configuration | {"jobType": self.kind.upper()},
            "status": status,
            "statistics": statistics,
            "user_email": f"{self.user or 'analyst'}@example.com",
        }

    def list_item(self, is_full):
        resource = self.resource()
        item = {key: resource[key] for key in ("kind", "id", "jobReference", "status", "statistics", "user_email")}
        item["state"] = self.state
        if self.error:
            item["errorResult"] = self.error
        if is_full:
            item["configuration"] = resource["configuration"]
        else:
            item["configuration"] = {"jobType": self.kind.upper()}
        return item


def emulator_empty():
    import pyarrow

    return pyarrow.table({})


def millis(seconds):
    return str(int(seconds * 1000))


def of_step(step):
    """`statistics.query` of a statement."""
    query = {
        "statementType": step.statement_type,
        "totalBytesProcessed": str(step.cost.processed),
        "totalBytesBilled": str(step.cost.billed()),
        "cacheHit": False,
        "totalSlotMs": str(max(int((step.ended - step.started) * 1000), 1)),
    }
    if step.dml is not None:
        query["dmlStats"] = step.dml
        query["numDmlAffectedRows"] = str(sum(int(count) for count in step.dml.values()))
    if step.ddl_operation:
        query["ddlOperationPerformed"] = step.ddl_operation
    if step.target and step.target[2]:
        query["ddlTargetTable"] = dict(zip(("projectId", "datasetId", "tableId"), step.target, strict=True))
    return query


def child(parent, step, number):
    """The child job of a script for one of its steps."""
    job = Job(
        parent.project,
        {"jobId": f"script_job_{parent.number}_{number}", "location": parent.location},
        {"query": {"query": step.sql, "useLegacySql": False, "priority": "INTERACTIVE"}},
    )
    job.parent = parent
    job.state = "DONE"
    job.created, job.started, job.ended = step.started, step.started, step.ended
    job.error = step.error
    lines = parent.sql[: step.offset].split("\n")
    ends = parent.sql[: step.offset + len(step.sql)].split("\n")
    frame = {
        "startLine": len(lines),
        "startColumn": len(lines[-1]) + 1,
        "endLine": len(ends),
        "endColumn": len(ends[-1]) + 1,
        "text": step.sql,
    }
    query = of_step(step)
    job.statistics = {
        "query": query,
        "totalBytesProcessed": query["totalBytesProcessed"],
        "totalSlotMs": query["totalSlotMs"],
        "scriptStatistics": {"evaluationKind": step.kind, "stackFrames": [frame]},
    }
    return job
