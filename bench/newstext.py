"""Made-up technology news in English: the same text from the same key, and no two keys alike."""

import random

_MAKERS = (
    "Northquay Orbit Halden Vashlin Meridian Kestrel Tessera Brightwell Lumen Arkady Solace Pinegate Quillon"
    " Redfern Stratum Wexler"
).split()
_THINGS = (
    "router laptop compiler database browser camera printer editor battery server phone kernel scheduler"
    " library display keyboard"
).split()
_VERBS = "ships announces recalls opens updates delays sells repairs tests withdraws".split()
_PLACES = (
    "Rotterdam",
    "Lisbon",
    "Oslo",
    "Toronto",
    "Dublin",
    "Prague",
    "Seville",
    "Tallinn",
    "Porto",
    "Graz",
)
_SENTENCES = (
    "The company said on Tuesday that it had sold {n} units of the {thing} in {place}.",
    "A first version of the {thing} will be ready in {m} months, and it will cost {n} dollars.",
    "Engineers in {place} found the error after {m} days of tests with {n} machines.",
    "The new {thing} uses {m} percent less power than the one before it.",
    "{maker} has worked on the {thing} with a team of {m} people in {place}.",
    "Customers in {place} can return the {thing} within {m} days and get their money back.",
    "The update repairs {m} errors, and three of them could be used to read the memory of other programs.",
    "Nobody was hurt, but {n} people had to wait for {m} hours.",
    "The source code of the {thing} is free, and {m} people have sent changes to it since Monday.",
    "A court in {place} will decide in {m} weeks whether {maker} has to pay {n} dollars.",
    "The factory in {place} makes {n} of them in a week, twice as many as last year.",
    "{maker} wants to open {m} more offices before the end of the year.",
)


def headline(key: str) -> str:
    """Return the title of an entry; its number makes it nobody else's."""
    chance = random.Random(f"title {key}")
    number = chance.randrange(1000, 10_000_000)
    return (
        f"{chance.choice(_MAKERS)} {chance.choice(_VERBS)} {chance.choice(_THINGS)} model {number} "
        f"in {chance.choice(_PLACES)}"
    )


def article(key: str, paragraphs: int, revision: int = 0) -> str:
    """Return the markup of an entry; another revision has another last paragraph."""
    texts = [_paragraph(f"{key} {number}") for number in range(paragraphs)]
    texts += [_paragraph(f"{key} revised")] if revision else []
    return "\n".join(f"<p>{text}</p>" for text in texts)


def _paragraph(key: str) -> str:
    chance = random.Random(f"paragraph {key}")
    return " ".join(
        sentence.format(
            n=chance.randrange(200, 90_000), m=chance.randrange(4, 60), thing=chance.choice(_THINGS),
            place=chance.choice(_PLACES), maker=chance.choice(_MAKERS),
        )
        for sentence in chance.sample(_SENTENCES, k=chance.randint(2, 4))
    )  # fmt: skip
