"""The glossary at the operator's desk: looked through, and edited line by line."""

from aggregator import wording
from aggregator.serve.desk.visits import Sent, Shown, View, Visit
from aggregator.translate.glossary_lines import LONGEST, Line


def _list(visit: Visit) -> Shown:
    text, chosen = visit.asked.get("q", "").strip(), visit.asked.get("term", "")
    known = wording.terms(visit.config)
    edited = next((term for term in known if chosen and term.line.term == chosen), None)
    return Shown(template="terms.html", values={
        "terms": [term for term in known if text.casefold() in term.line.written().casefold()],
        "is_set": wording.is_set(visit.config), "file": visit.config.glossary, "q": text,
        "edited": edited, "total": len(known), "longest": LONGEST,
    })  # fmt: skip


def _put(visit: Visit) -> Sent:
    asked = {name: visit.asked.get(name, "") for name in ("term", "rendering", "note")}
    line = Line(**asked)
    with visit.store() as db:
        wording.put(db, visit.config, line, was=visit.asked.get("was", ""))
    return Sent(
        to="glossary",
        notice=f"「{line.term.strip()}」の訳を「{line.rendering.strip()}」にしました。これから訳す記事に効きます。",
    )


def _drop(visit: Visit) -> Sent:
    term = visit.asked.get("term", "")
    with visit.store() as db:
        wording.drop(db, visit.config, term, was=visit.asked.get("was"))
    return Sent(to="glossary", notice=f"「{term}」を用語集から外しました。")


PAGES: tuple[tuple[str, View], ...] = (("glossary", _list),)
FORMS: tuple[tuple[str, View], ...] = (("glossary", _put), ("glossary/remove", _drop))
