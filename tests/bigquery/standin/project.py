"""What the stand-in keeps of one project: each test has one of its own."""

import itertools
import threading
import time

from faults import Faults
from quotas import Quotas


class Project:
    def __init__(self, name):
        self.id = name
        self.jobs = {}
        self.faults = Faults()
        self.quotas = Quotas()
        self.requests = []
        self.unparsed = []
        self.needs_token = False
        self.shows_all_jobs = True
        self.lock = threading.RLock()

    def log(self, entry):
        """Keeps a request; the entry is filled in as it is answered."""
        with self.lock:
            entry["number"] = len(self.requests) + 1
            entry["time"] = time.time()
            self.requests.append(entry)

    def clear_log(self):
        with self.lock:
            self.requests = []


class Projects:
    """All that were ever named."""

    def __init__(self):
        self.lock = threading.Lock()
        self.known = {}
        self.numbers = itertools.count(1)

    def get(self, name):
        with self.lock:
            if name not in self.known:
                self.known[name] = Project(name)
            return self.known[name]

    def drop(self, name):
        with self.lock:
            self.known.pop(name, None)
