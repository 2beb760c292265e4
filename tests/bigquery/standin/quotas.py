"""Quotas, counted as https://cloud.google.com/bigquery/quotas says. They are counted always and enforced where a test asks."""

import threading
import time
from collections import defaultdict, deque

from errors import ApiError

MORE = "For more information, see https://cloud.google.com/bigquery/docs/troubleshoot-quotas"
DAY = 24 * 60 * 60


class Quota:
    """So many operations in a time, on each thing."""

    def __init__(self, limit, seconds, reason, words):
        self.limit = limit
        self.seconds = seconds
        self.reason = reason
        self.words = words
        self.at = defaultdict(deque)
        self.most = defaultdict(int)
        self.refused = 0

    def take(self, thing, is_enforced):
        now = time.monotonic()
        at = self.at[thing]
        while at and at[0] <= now - self.seconds:
            at.popleft()
        if is_enforced and len(at) >= self.limit:
            self.refused += 1
            raise ApiError(self.reason, f"{self.words} {MORE}")
        at.append(now)
        self.most[thing] = max(self.most[thing], len(at))


class Quotas:
    def __init__(self):
        self.lock = threading.Lock()
        self.is_enforced = False
        self.clear()

    def clear(self):
        self.quotas = {
            "table_metadata": Quota(
                5, 10, "rateLimitExceeded", "Exceeded rate limits: too many table update operations for this table."
            ),
            "table_modifications_a_day": Quota(
                1500,
                DAY,
                "quotaExceeded",
                "Quota exceeded: Your table exceeded quota for imports or query appends per table.",
            ),
            "dataset_metadata": Quota(
                5,
                10,
                "rateLimitExceeded",
                "Exceeded rate limits: too many dataset metadata update operations for this dataset.",
            ),
            "api_requests": Quota(
                100,
                1,
                "rateLimitExceeded",
                "Exceeded rate limits: too many api requests per user per method for this user_method.",
            ),
        }

    def set_limit(self, name, limit):
        with self.lock:
            self.quotas[name].limit = limit

    def take(self, name, thing):
        with self.lock:
            self.quotas[name].take(thing, self.is_enforced)

    def table_operation(self, kind, change):
        """A statement of DDL: on a dataset or on a table."""
        thing = ".".join(part for part in change.target if part)
        if kind.endswith("SCHEMA"):
            self.take("dataset_metadata", thing)
            return
        self.take("table_metadata", thing)
        if kind == "CREATE_TABLE_AS_SELECT":
            self.take("table_modifications_a_day", thing)

    def counters(self):
        """Of each quota its limit, how often it was refused, and the most that a thing had within its time."""
        with self.lock:
            return {
                name: {
                    "limit": quota.limit,
                    "refused": quota.refused,
                    "most": max(quota.most.values(), default=0),
                    "things": dict(quota.most),
                }
                for name, quota in self.quotas.items()
            }
