"""What goes wrong on purpose: rules of a project, one line each.

    WHICH: WHAT, HOW OFTEN

WHICH is nothing, or words that must all fit: a method (`POST`), `path~TEXT`, `job~TEXT`, and last `sql~TEXT`, which goes
to the colon. Texts are found anywhere, without regard to case. WHAT happens to the request:

    503 before [REASON]   refused, nothing was done (any status from 400 on; `REASON` as rateLimitExceeded)
    503 after [REASON]    the same answer, though it was done
    drop before|after     the connection is closed without an answer
    delay 200ms           the answer comes late

or to the job that it brings, if that is to run:

    slow 3s [after N]     waits, before anything is done or after N statements of a script
    vanish                is accepted, never runs, and is not found later; its id is free
    fail REASON [after N] fails, before anything is done or after N statements of a script

HOW OFTEN is `once` (if nothing is said), `N times`, `always`, or `nth N`: only the Nth that fits.
"""

import random
import re
import threading
import time
from dataclasses import dataclass, field

from errors import ApiError

FORM = """a rule is `WHICH: WHAT, HOW OFTEN`; see faults.py"""


@dataclass
class Effect:
    """What happens. `when` is before or after the request is carried out, for those that have it."""

    kind: str  # status, drop, delay, slow, vanish or fail
    when: str = "before"
    status: int = 0
    reason: str = ""
    seconds: float = 0
    statements: int = 0

    def is_of_job(self):
        return self.kind in ("slow", "vanish", "fail")


@dataclass
class Rule:
    text: str
    effect: Effect
    which: dict = field(default_factory=dict)
    first: int = 1
    times: float = 1
    seen: int = 0

    def fits(self, request):
        for key, wanted in self.which.items():
            if wanted.lower() not in request.get(key, "").lower():
                return False
        self.seen += 1
        return self.first <= self.seen < self.first + self.times


def parse(line):
    """A rule from its line."""
    found = re.fullmatch(r"(?s)(?:(.*):)?([^:]+?)(?:,\s*(once|always|nth \d+|\d+ times))?\s*", line)
    if not found:
        raise ApiError("invalid", FORM)
    which, what, often = (part.strip() if part else "" for part in found.groups())
    rule = Rule(line, effect(what), selector(which))
    if often == "always":
        rule.times = float("inf")
    elif often.startswith("nth "):
        rule.first = int(often[4:])
    elif often.endswith("times"):
        rule.times = int(often.split()[0])
    return rule


def selector(text):
    which = {}
    before, has_sql, sql = text.partition("sql~")
    if has_sql:
        which["sql"] = sql
    for word in before.split():
        key, tilde, value = word.partition("~")
        if tilde and key in ("path", "job"):
            which[key] = value
        elif word in ("GET", "POST", "PUT", "PATCH", "DELETE"):
            which["method"] = word
        else:
            raise ApiError("invalid", f"{word}: {FORM}")
    return which


def effect(text):
    words = text.split()
    match words:
        case [status, ("before" | "after") as when, *reason] if status.isdigit() and len(reason) <= 1:
            status = int(status)
            return Effect("status", when, status=status, reason=reason[0] if reason else default_reason(status))
        case ["drop", ("before" | "after") as when]:
            return Effect("drop", when)
        case ["delay", time_]:
            return Effect("delay", seconds=seconds(time_))
        case ["slow", time_, *rest] if is_after(rest):
            return Effect("slow", seconds=seconds(time_), statements=int(rest[1]) if rest else 0)
        case ["vanish"]:
            return Effect("vanish")
        case ["fail", reason, *rest] if is_after(rest):
            return Effect("fail", reason=reason, statements=int(rest[1]) if rest else 0)
    raise ApiError("invalid", f"{text}: {FORM}")


def is_after(words):
    return not words or (len(words) == 2 and words[0] == "after" and words[1].isdigit())


def seconds(text):
    found = re.fullmatch(r"([\d.]+)(ms|s)", text)
    if not found:
        raise ApiError("invalid", f"{text} is no time; {FORM}")
    return float(found[1]) / (1000 if found[2] == "ms" else 1)


def default_reason(status):
    return {400: "invalid", 401: "authError", 403: "rateLimitExceeded", 404: "notFound", 409: "duplicate",
            429: "rateLimitExceeded", 500: "internalError"}.get(status, "backendError")


# What chaos chooses from, each as often as the others.
CHAOS = [
    "503 before", "503 after", "500 before", "403 before rateLimitExceeded", "429 before", "drop before", "drop after",
    "502 after", "delay 20ms",
]
CHAOS_OF_JOBS = [
    "slow 50ms", "slow 50ms after 1", "fail backendError", "fail internalError", "fail jobRateLimitExceeded",
    "fail rateLimitExceeded", "fail backendError after 1", "fail backendError after 2", "fail internalError after 3",
    "vanish",
]


class Faults:
    """The rules of one project."""

    def __init__(self):
        self.lock = threading.Lock()
        self.clear()

    def clear(self):
        with self.lock:
            self.rules = []
            self.random = None
            self.probability = 0.0

    def add(self, line):
        """`chaos SEED PROBABILITY` makes any request, and any job, go wrong at random; all else is a rule."""
        chaos = re.fullmatch(r"chaos (\d+) ([\d.]+)", line.strip())
        with self.lock:
            if chaos:
                self.random = random.Random(int(chaos[1]))
                self.probability = float(chaos[2])
            else:
                self.rules.append(parse(line))

    def of(self, request):
        """The effects on a request: on itself, and on the job that it brings."""
        with self.lock:
            may_run = bool(request.get("sql")) and not request.get("dry_run")
            rules = [rule for rule in self.rules if may_run or not rule.effect.is_of_job()]
            effects = [rule.effect for rule in rules if rule.fits(request)]
            if self.random and self.random.random() < self.probability:
                effects.append(effect(self.random.choice(CHAOS)))
            if self.random and may_run and self.random.random() < self.probability:
                effects.append(effect(self.random.choice(CHAOS_OF_JOBS)))
        return effects

    def left(self):
        """The rules that have not been used up, as lines: a test that expects a fault sees that it came."""
        with self.lock:
            return [rule.text for rule in self.rules if rule.seen < rule.first]


class Dropped(Exception):
    """The connection is to be closed without an answer."""


def apply(effects, when):
    """Carries out what concerns the request, before or after it is done."""
    for one in effects:
        if one.kind == "delay" and when == "before":
            time.sleep(one.seconds)
        elif one.when == when and one.kind == "drop":
            raise Dropped
        elif one.when == when and one.kind == "status":
            raise ApiError(one.reason, status=one.status)
