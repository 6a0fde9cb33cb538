"""Every error the package raises on purpose.

::

    AggregatorError                 exit code 1
    ├── ConfigError                 2   a setting is unknown, wrong or missing
    │   └── OpmlError               2   feeds.opml cannot be read
    ├── FetchError                  1   one HTTP request failed (carries the URL)
    │   ├── HostForbidden               the address or scheme is refused
    │   ├── FetchTimeout                the total deadline passed
    │   ├── BadStatus                   an answer that is neither a feed nor 304
    │   ├── BodyTooLarge                more bytes than allowed, on the wire or unpacked
    │   ├── ConnectionFailed            no connection, reset, cut off, corrupt
    │   └── BadAnswer                   not of the shape the provider documents
    ├── NotAFeed                    1   the body parses as no kind of feed
    ├── NoText                      1   a page holds no article
    ├── TranslationError            1
    │   ├── EngineUnavailable       3   no engine is ready
    │   └── BadTranslation          1   the engine's answer failed its checks
    ├── StoreError                  4   the database cannot be used
    │   ├── StoreTooNew             4   written by a newer version
    │   ├── StoreDamaged            4   what is in the file cannot be relied on
    │   └── StoreLocked             4   another process holds the store
    ├── PublishError                5   output/ cannot be written
    └── ClusterError                1   no worker of a cluster can be given jobs
        └── VersionMismatch         1   what runs there is not what runs here

An expected error becomes a `Failure` value at the edge of a stage's `work`; everything else reaches
`cli.main`, which prints one line and exits with the error's code.
"""


class AggregatorError(Exception):
    """Something this program foresaw; its text is one line for the operator."""

    exit_code = 1


class ConfigError(AggregatorError):
    """A setting is unknown, wrong or missing."""

    exit_code = 2


class OpmlError(ConfigError):
    """The list of feeds cannot be read or edited."""


class FetchError(AggregatorError):
    """One HTTP request failed."""

    def __init__(self, url: str, message: str) -> None:
        super().__init__(url, message)
        self.url = url
        self.message = message

    def __str__(self) -> str:
        return f"{self.url}: {self.message}"


class HostForbidden(FetchError):
    """The scheme or address may not be fetched (private, link-local, not HTTP)."""


class FetchTimeout(FetchError):
    """The fetch did not end before its total deadline."""


class BadStatus(FetchError):
    """The server answered with a status that carries no feed."""

    def __init__(self, url: str, message: str, status: int) -> None:
        super().__init__(url, message)
        self.args = (url, message, status)  # what pickle hands to __init__ on the other side
        self.status = status


class BodyTooLarge(FetchError):
    """The body exceeds the limit, on the wire or unpacked."""


class ConnectionFailed(FetchError):
    """No connection, or it broke before the body was complete."""


class BadAnswer(FetchError):
    """The provider's answer is not of its documented shape."""


class NotAFeed(AggregatorError):
    """The body is no RSS, RDF, Atom, CDF or JSON Feed."""


class NoText(AggregatorError):
    """The page is no article, or none that may be read: an error, a paywall, a cookie wall."""


class TranslationError(AggregatorError):
    """Text could not be translated."""


class EngineUnavailable(TranslationError):
    """The engine (or every engine of the chain) is not ready."""

    exit_code = 3


class BadTranslation(TranslationError):
    """An engine's answer failed its checks."""


class StoreError(AggregatorError):
    """The database cannot be opened, read or written."""

    exit_code = 4


class StoreTooNew(StoreError):
    """The store was written by a newer version of this program."""


class StoreDamaged(StoreError):
    """What the database holds cannot be relied on: nothing more is written to it."""


class StoreLocked(StoreError):
    """Another process holds the store."""


class PublishError(AggregatorError):
    """The output folder cannot be written."""

    exit_code = 5


class ClusterError(AggregatorError):
    """The scheduler of a cluster cannot be reached, or no worker there can do our jobs."""


class VersionMismatch(ClusterError):
    """What runs on a worker is not what runs here."""
