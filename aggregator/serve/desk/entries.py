"""Entries at the operator's desk: what became of one, and its translation made again."""

from aggregator import again, fate
from aggregator.again import Wanted
from aggregator.errors import AggregatorError
from aggregator.serve.desk.visits import Sent, Shown, View, Visit
from aggregator.store import lately

_ONE = "entries/{entry:[0-9]{1,18}}"


def _list(visit: Visit) -> Shown | Sent:
    """List the newest entries, or go to the one that is named."""
    text = visit.asked.get("q", "").strip()
    with visit.store() as db:
        if text:
            return Sent(to=f"entries/{fate.collect(db, visit.config, text)['entry_id']}")
        return Shown(template="entries.html", values={"entries": lately.entries(db, visit.config.language)})


def _entry(visit: Visit) -> Shown:
    with visit.store() as db:
        found = fate.collect(db, visit.config, visit.place["entry"])
    return Shown(template="entry.html", values={"entry": found, "lines": fate.lines(found, visit.config)})


def _plan(visit: Visit) -> Shown:
    with visit.store() as db:
        found = fate.collect(db, visit.config, visit.place["entry"])
        plan = again.plan(db, visit.config, Wanted(entry=visit.place["entry"]))
    return Shown(template="retranslate.html", values={"entry": found, "plan": plan})


def _retranslate(visit: Visit) -> Sent:
    number = visit.place["entry"]
    with visit.store() as db:
        plan = again.plan(db, visit.config, Wanted(entry=number))
        if not plan.entry_ids:
            raise AggregatorError(
                f"entry {number} has no translation to make again; see: aggregator entry {number}"
            )
        again.ask(db, visit.config, plan)
    return Sent(
        to=f"entries/{number}", notice="次の巡回で訳し直します。新しい訳が検査に通るまで、今の訳が残ります。"
    )


PAGES: tuple[tuple[str, View], ...] = (
    ("entries", _list),
    (_ONE, _entry),
    (f"{_ONE}/retranslate", _plan),
)
FORMS: tuple[tuple[str, View], ...] = ((f"{_ONE}/retranslate", _retranslate),)
