"""Dry runs: what a statement would read and give, without doing it."""

import googlesql
from errors import ApiError


def resource(emulator, job):
    """The job as jobs.insert answers it. Nothing of it is kept."""
    googlesql.check(job.sql)
    job.state = "DONE"
    job.statistics = {"totalBytesProcessed": "0", "query": {"totalBytesProcessed": "0", "cacheHit": False}}
    return job.resource()
