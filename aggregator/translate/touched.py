"""Which texts a change of the glossary touches."""

import re
from collections.abc import Mapping

from aggregator.translate.glossary import Glossary


def terms(glossary: Glossary) -> dict[str, str]:
    """Return each term with all that the glossary says of it, as one text."""
    kept = {term: "|".join(("=", *others)) for term, others in glossary.spellings}
    return kept | {term: "|".join(forms) for term, forms in glossary.renderings}


def changed(before: Mapping[str, str], now: Mapping[str, str]) -> set[str]:
    """Return the terms that came, went, or are rendered otherwise."""
    return {term for term, _ in before.items() ^ now.items()}


def mentions(text: str, wanted: set[str]) -> bool:
    """Return whether a text has one of the terms in it, in any case, in the plural too."""
    if not wanted:
        return False
    longest_first = sorted(wanted, key=len, reverse=True)
    pattern = rf"(?<!\w)(?:{'|'.join(map(re.escape, longest_first))})s?(?!\w)"
    return re.search(pattern, text, re.IGNORECASE) is not None
