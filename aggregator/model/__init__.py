"""Every value that crosses a stage.

All are frozen, picklable and made of standard-library values. Times are aware UTC datetimes, durations
timedelta, bodies bytes, collections tuples. `None` means absent, never failed; alternatives are types.
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from aggregator.model.alerts import Alert, Event, Message, Trouble
    from aggregator.model.comments import (
        PERSONAS,
        Comment,
        CommentJob,
        CommentLook,
        CommentOutcome,
        Persona,
        ThreadComments,
        ViewpointJob,
        ViewpointOrder,
        ViewpointOutcome,
    )
    from aggregator.model.digests import Digest, DigestEntry, DigestKind, DigestLine
    from aggregator.model.discussions import (
        PROVIDERS,
        Counted,
        CountJob,
        CountOutcome,
        CountPoint,
        CountTurn,
        Discussion,
        Provider,
        Quota,
        ShownComment,
        ThreadCount,
        Used,
        Viewpoint,
    )
    from aggregator.model.editions import (
        CommentCount,
        Document,
        Edition,
        EditionEntry,
        PublicationState,
        Related,
        SourceRef,
    )
    from aggregator.model.feeds import (
        DueFeed,
        Extract,
        FeedSettings,
        Hints,
        HostBatch,
        IdentityPolicy,
        Merge,
        Origin,
        Rest,
        RetryScope,
        Rights,
        Shard,
        Subscription,
    )
    from aggregator.model.fetches import Failure, Fetched, NotModified, Request
    from aggregator.model.hubs import (
        DeliveryJob,
        HubAnswer,
        HubDelivery,
        HubJob,
        HubLease,
        HubMode,
        HubNotice,
        HubRequest,
    )
    from aggregator.model.pages import (
        Arrived,
        Effect,
        Looked,
        PageJob,
        PageOutcome,
        PageVisit,
        Signal,
        SiteBatch,
        SitePolicy,
    )
    from aggregator.model.polls import (
        Changed,
        Enclosure,
        EntryFate,
        ParsedEntry,
        ParsedFeed,
        PollOutcome,
        ShardOutcome,
        Unchanged,
    )
    from aggregator.model.texts import (
        ASKED,
        Article,
        ArticleJob,
        EngineChoice,
        FailureKind,
        MemoryWrite,
        Part,
        Summary,
        SummaryJob,
        TranslateEntry,
        TranslateJob,
        TranslateOutcome,
        Translation,
        Untranslated,
    )

# What polls need comes first: loading all would cost both their processes a fiftieth of a second.
_FILES = (
    "feeds", "fetches", "polls", "hubs", "editions", "pages", "texts", "discussions", "comments", "digests",
    "alerts",
)  # fmt: skip


def __getattr__(name: str) -> Any:
    """Return a value's type, its file loaded when it is first asked for (PEP 562)."""
    for file in () if name.startswith("_") else _FILES:
        module = importlib.import_module(f"{__name__}.{file}")
        if hasattr(module, name):
            globals()[name] = getattr(module, name)
            return globals()[name]
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


__all__ = [
    "ASKED",
    "PERSONAS",
    "PROVIDERS",
    "Alert",
    "Arrived",
    "Article",
    "ArticleJob",
    "Changed",
    "Comment",
    "CommentCount",
    "CommentJob",
    "CommentLook",
    "CommentOutcome",
    "CountJob",
    "CountOutcome",
    "CountPoint",
    "CountTurn",
    "Counted",
    "DeliveryJob",
    "Digest",
    "DigestEntry",
    "DigestKind",
    "DigestLine",
    "Discussion",
    "Document",
    "DueFeed",
    "Edition",
    "EditionEntry",
    "Effect",
    "Enclosure",
    "EngineChoice",
    "EntryFate",
    "Event",
    "Extract",
    "Failure",
    "FailureKind",
    "FeedSettings",
    "Fetched",
    "Hints",
    "HostBatch",
    "HubAnswer",
    "HubDelivery",
    "HubJob",
    "HubLease",
    "HubMode",
    "HubNotice",
    "HubRequest",
    "IdentityPolicy",
    "Looked",
    "MemoryWrite",
    "Merge",
    "Message",
    "NotModified",
    "Origin",
    "PageJob",
    "PageOutcome",
    "PageVisit",
    "ParsedEntry",
    "ParsedFeed",
    "Part",
    "Persona",
    "PollOutcome",
    "Provider",
    "PublicationState",
    "Quota",
    "Related",
    "Request",
    "Rest",
    "RetryScope",
    "Rights",
    "Shard",
    "ShardOutcome",
    "ShownComment",
    "Signal",
    "SiteBatch",
    "SitePolicy",
    "SourceRef",
    "Subscription",
    "Summary",
    "SummaryJob",
    "ThreadComments",
    "ThreadCount",
    "TranslateEntry",
    "TranslateJob",
    "TranslateOutcome",
    "Translation",
    "Trouble",
    "Unchanged",
    "Untranslated",
    "Used",
    "Viewpoint",
    "ViewpointJob",
    "ViewpointOrder",
    "ViewpointOutcome",
]
