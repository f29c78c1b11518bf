"""Named errors of the cloud. Services raise them; the API turns each into one status and one JSON body."""


class CloudError(Exception):
    """A request that cannot be served. `code` is for programs and stays, `message` is for people and has the remedy."""

    status = 500

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


class BadRequest(CloudError):
    """400: the request is malformed; the message names the field."""

    status = 400


class Unauthenticated(CloudError):
    """401: no valid session or API key."""

    status = 401


class Forbidden(CloudError):
    """403: the caller is known and may not do this."""

    status = 403


class NotFound(CloudError):
    """404: there is no such thing, or it belongs to another utility."""

    status = 404


class Conflict(CloudError):
    """409: it contradicts what is already there."""

    status = 409


class TooLarge(CloudError):
    """413: the body is longer than the API takes."""

    status = 413


class UnsupportedMedia(CloudError):
    """415: the body is not declared as JSON."""

    status = 415


class Refused(CloudError):
    """422: well-formed, and against a rule of the business."""

    status = 422


class TooManyRequests(CloudError):
    """429: too many attempts; the message says how long to wait."""

    status = 429

    def __init__(self, code: str, message: str, *, retry_after_s: int) -> None:
        super().__init__(code, message)
        self.retry_after_s = retry_after_s


class Unavailable(CloudError):
    """503: something that this needs is missing or down."""

    status = 503
