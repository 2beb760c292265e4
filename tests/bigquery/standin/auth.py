"""Tokens: each says where it came from, and the log says which a request carried.

The servers of tokens are all here, at the paths that they have at Google; a client is led to them by its file of credentials
(`token_uri`, `token_url`, `service_account_impersonation_url`) or by `GCE_METADATA_HOST`.
"""

import base64
import itertools
import json
import re
import time
from urllib.parse import parse_qs

from errors import ApiError

HOUR = 3600


class Auth:
    def __init__(self):
        self.numbers = itertools.count(1)
        self.granted = set()

    def token(self, origin):
        token = f"{origin}-token-{next(self.numbers)}"
        self.granted.add(token)
        return token

    def grant(self, request):
        """The answer of a server of tokens, or nothing where the request is for another."""
        path = request.path
        if request.method == "POST" and path == "/token":
            return self.oauth(form(request))
        if path.startswith("/computeMetadata/v1"):
            return self.metadata(request)
        if request.method == "POST" and path == "/v1/token":
            return self.exchange(form(request))
        if found := re.fullmatch(r"/v1/projects/-/serviceAccounts/([^/]+):generateAccessToken", path):
            return self.impersonate(request, found[1])
        return None

    def oauth(self, given):
        """A signed assertion of a service account, or the refresh token of a user."""
        match given.get("grant_type"):
            case "urn:ietf:params:oauth:grant-type:jwt-bearer":
                claims = given.get("assertion", "").split(".")
                if len(claims) != 3:
                    raise ApiError("invalid", "invalid_grant: the assertion is no JWT")
                claims = json.loads(base64.urlsafe_b64decode(claims[1] + "=="))
                if not {"iss", "scope", "aud", "exp", "iat"} <= claims.keys() or claims["exp"] - claims["iat"] > HOUR:
                    raise ApiError("invalid", "invalid_grant: claims are missing, or it is good for too long")
                return self.bearer(f"service-account-{claims['iss'].split('@')[0]}")
            case "refresh_token":
                if not {"client_id", "client_secret", "refresh_token"} <= given.keys():
                    raise ApiError("invalid", "invalid_request")
                return self.bearer(f"user-{given['refresh_token']}")
        raise ApiError("invalid", "unsupported_grant_type")

    def metadata(self, request):
        if request.headers.get("metadata-flavor") != "Google":
            raise ApiError("accessDenied", "Missing Metadata-Flavor:Google header.")
        if request.path.endswith("/service-accounts/default/token"):
            return self.bearer("metadata")
        if request.path.endswith("/project/project-id"):
            return "text/plain", b"trial-metadata"
        if request.path.endswith("/service-accounts/default/email"):
            return "text/plain", b"machine@example.com"
        return {}

    def exchange(self, given):
        """Workload identity federation: a token of another for one of Google's."""
        grant = "urn:ietf:params:oauth:grant-type:token-exchange"
        if given.get("grant_type") != grant or not {"audience", "subject_token", "subject_token_type"} <= given.keys():
            raise ApiError("invalid", "invalid_request")
        answer = self.bearer(f"federated-{given['subject_token'][:20]}")
        return answer | {"issued_token_type": "urn:ietf:params:oauth:token-type:access_token"}

    def impersonate(self, request, account):
        """Who asks must have a token."""
        asker = bearer(request)
        if asker not in self.granted:
            raise ApiError("authError")
        if not request.json().get("scope"):
            raise ApiError("invalid", "scope is missing")
        origin = re.sub(r"-token-\d+$", "", asker)
        token = self.token(f"{account.split('@')[0]}-by-{origin}")
        return {"accessToken": token, "expireTime": "2099-01-01T00:00:00Z"}

    def bearer(self, origin):
        return {"access_token": self.token(origin), "expires_in": HOUR, "token_type": "Bearer"}

    def check(self, project, request):
        """A project that wants tokens takes only those that were granted."""
        token = bearer(request)
        if project.needs_token and token not in self.granted and not self_signed(token):
            raise ApiError("authError")


def self_signed(token):
    """Who is named by a token that a service account has signed itself, if it is one. Signatures are not checked."""
    parts = token.split(".")
    if len(parts) != 3:
        return None
    claims = json.loads(base64.urlsafe_b64decode(parts[1] + "=="))
    is_good = {"iss", "sub", "exp", "iat"} <= claims.keys() and bool(claims.get("scope")) != bool(claims.get("aud"))
    return f"self-signed-{claims['iss'].split('@')[0]}" if is_good and claims["exp"] > time.time() else None


def form(request):
    """The fields of a form, or of JSON, which STS takes too."""
    if "json" in (request.headers.get("content-type") or ""):
        return request.json()
    return {name: values[0] for name, values in parse_qs(request.raw.decode()).items()}


def bearer(request):
    return (request.headers.get("authorization") or "").removeprefix("Bearer ")


def user(request):
    """Who a token stands for; nobody where there is none."""
    token = bearer(request)
    return self_signed(token) or re.sub(r"-token-\d+$", "", token)


def seen(request):
    """What a request said about who sends it."""
    token = bearer(request)
    return {"token": self_signed(token) or token, "quota_project": request.headers.get("x-goog-user-project") or ""}
