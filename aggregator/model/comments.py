"""What people wrote about a story, as a provider shows it, and what machines are asked to."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal, get_args

from aggregator.model.discussions import CountJob, Discussion
from aggregator.model.fetches import Failure
from aggregator.model.texts import EngineChoice

Persona = Literal["hopeful", "critical"]
PERSONAS: tuple[Persona, ...] = get_args(Persona)


@dataclass(frozen=True, slots=True, kw_only=True)
class Comment:
    """One person's comment.

    Shape: `text` is one sentence a line, the last one a lone `…` where the comment goes on.
    """

    key: str  # the provider's own id
    url: str
    author: str
    text: str
    written_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class CommentLook:
    """A thread whose first comments are to be read."""

    story_id: int
    discussion: Discussion
    count: int  # of its comments, as last counted


@dataclass(frozen=True, slots=True, kw_only=True)
class CommentJob:
    """Threads of one provider to be read."""

    asked: CountJob  # each turn with the one thread that is read
    looks: tuple[CommentLook, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ThreadComments:
    """What a look brought."""

    look: CommentLook
    comments: tuple[Comment, ...] | None  # None: the thread could not be read


@dataclass(frozen=True, slots=True, kw_only=True)
class CommentOutcome:
    """What came of a job; what it has nothing about was not asked."""

    read: tuple[ThreadComments, ...]
    requests: int = 0  # that were made
    failure: Failure | None = None  # why the rest was not asked
    rest: timedelta | None = None  # how long the provider wants to be left alone
    refusals: tuple[Failure, ...] = ()  # of single sites


@dataclass(frozen=True, slots=True, kw_only=True)
class ViewpointOrder:
    """A comment that a machine is to write on a story."""

    story_id: int
    persona: Persona
    input_fingerprint: str  # of the article
    title: str
    text: str  # the beginning of the article
    engine: str = ""  # the feed's own setting of this name
    first_seen_at: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ViewpointJob:
    """An order, and who writes it."""

    order: ViewpointOrder
    engine: EngineChoice
    glossary: str = ""  # the operator's own, as its file reads


@dataclass(frozen=True, slots=True, kw_only=True)
class ViewpointOutcome:
    """What came of a job: a text, why there is none, or that the writer failed."""

    text: str = ""
    failure: str = ""  # of the text: it is not asked for again
    trouble: str = ""  # of the writer: it is asked for later
    sent: int = 0  # characters of the source, to a service
