"""Errors in the form that Google's API gives them."""

from bqemulator.domain.errors import DomainError

# https://cloud.google.com/bigquery/docs/error-messages: what a reason is as a status of HTTP.
STATUS = {
    "accessDenied": 403,
    "backendError": 503,
    "badRequest": 400,
    "bytesBilledLimitExceeded": 400,
    "conditionNotMet": 412,
    "duplicate": 409,
    "internalError": 500,
    "invalid": 400,
    "invalidQuery": 400,
    "jobBackendError": 400,
    "jobInternalError": 400,
    "jobRateLimitExceeded": 400,
    "notFound": 404,
    "notImplemented": 501,
    "quotaExceeded": 403,
    "rateLimitExceeded": 403,
    "resourceInUse": 400,
    "resourcesExceeded": 400,
    "responseTooLarge": 403,
    "stopped": 499,
    "tableUnavailable": 400,
    "timeout": 400,
    "required": 400,
    "authError": 401,
}

# What a status is called in Google's common error model.
NAMES = {
    400: "INVALID_ARGUMENT",
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    409: "ALREADY_EXISTS",
    412: "FAILED_PRECONDITION",
    429: "RESOURCE_EXHAUSTED",
    499: "CANCELLED",
    500: "INTERNAL",
    501: "UNIMPLEMENTED",
    502: "UNAVAILABLE",
    503: "UNAVAILABLE",
    504: "DEADLINE_EXCEEDED",
}

# The words that come with a reason, where a fault names none.
WORDS = {
    "backendError": "Error encountered during execution. Retrying may solve the problem.",
    "internalError": "An internal error occurred and the request could not be completed. "
    "This is usually caused by a transient issue. Retrying the job with back-off as described in the "
    "BigQuery SLA should solve the problem.",
    "jobBackendError": "The job failed with a backend error. Retrying may solve the problem.",
    "jobInternalError": "The job failed with an internal error. Retrying may solve the problem.",
    "jobRateLimitExceeded": "Exceeded rate limits: too many concurrent queries for this project_and_region. "
    "For more information, see https://cloud.google.com/bigquery/docs/troubleshoot-quotas",
    "rateLimitExceeded": "Exceeded rate limits: too many api requests per user per method for this user_method. "
    "For more information, see https://cloud.google.com/bigquery/docs/troubleshoot-quotas",
    "quotaExceeded": "Quota exceeded: Your project exceeded quota for free query bytes scanned. "
    "For more information, see https://cloud.google.com/bigquery/docs/troubleshoot-quotas",
    "resourcesExceeded": "Resources exceeded during query execution: The query could not be executed in the "
    "allotted memory.",
    "stopped": "Job execution was cancelled: User requested cancellation",
    "timeout": "Job timed out",
    "accessDenied": "Access Denied: User does not have permission.",
    "authError": "Request had invalid authentication credentials. Expected OAuth 2 access token, login cookie or "
    "other valid authentication credential.",
}


# What statements fail with that were in each other's way, as the names that faults have for it: BigQuery has no reason of
# its own for it, so the words are all that a client can go by.
CONFLICTS = {
    "serialize": "Could not serialize access to table due to concurrent update",
    "aborted": "Transaction is aborted due to concurrent update against table.",
}


class ApiError(Exception):
    """What a request, or a job, comes to nothing with."""

    def __init__(self, reason, message=None, location=None, status=None):
        super().__init__(message or WORDS.get(reason, reason))
        self.reason = reason
        self.message = message or WORDS.get(reason, reason)
        self.location = location
        self.status = status or STATUS.get(reason, 400)

    def proto(self):
        """An ErrorProto, as in `status.errorResult` of a job."""
        proto = {"reason": self.reason, "message": self.message}
        if self.location:
            proto["location"] = self.location
        return proto

    def body(self):
        """The body of a response."""
        inner = {"message": self.message, "domain": "global", "reason": self.reason}
        if self.location:
            inner |= {"location": self.location, "locationType": "parameter"}
        return {
            "error": {
                "code": self.status,
                "message": self.message,
                "errors": [inner],
                "status": NAMES.get(self.status, "UNKNOWN"),
            }
        }


def asked_for(name):
    """The error that a fault is to be."""
    return ApiError("invalidQuery", CONFLICTS[name], location="query") if name in CONFLICTS else ApiError(name)


class StatementError(ApiError, DomainError):
    """What a statement of a script fails with. The emulator's handlers of exceptions take it; a job that is cancelled, or a
    fault, goes past them."""


def of(error):
    """An error of the emulator's, or any other, as one of ours."""
    if isinstance(error, ApiError):
        return error
    reason = getattr(error, "bq_reason", None)
    if reason:
        return ApiError(reason, error.message, location=error.location)
    return ApiError("internalError", f"stand-in: {type(error).__name__}: {error}")
