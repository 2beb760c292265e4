"""Tokens: each says where it came from, and the log says which a request carried."""

import itertools

from errors import ApiError


class Auth:
    def __init__(self):
        self.numbers = itertools.count(1)
        self.granted = set()

    def token(self, origin):
        token = f"{origin}-{next(self.numbers)}"
        self.granted.add(token)
        return token

    def grant(self, request):
        """The answer of a server of tokens, or nothing where the request is for another."""
        return None

    def check(self, project, request):
        """A project that wants tokens takes only those that were granted."""
        if project.needs_token and bearer(request) not in self.granted:
            raise ApiError("authError")


def bearer(request):
    return (request.headers.get("authorization") or "").removeprefix("Bearer ")


def seen(request):
    """What a request said about who sends it."""
    return {"token": bearer(request), "quota_project": request.headers.get("x-goog-user-project") or ""}
