"""The words by which titles are compared: which say nothing, which mean the same, which make another event.

A word that stands in none of these lists may stand in one title alone where it is a common word of English;
any other one counts as a name.
"""


def stem(word: str) -> str:
    """Return what the forms of a word have in common, as far as that can be told from its end."""
    for ending in ("ing", "ed", "es", "s", "e"):
        if word.endswith(ending) and len(word) - len(ending) > 2:
            word = word[: -len(ending)]
            break
    if word[-1] == word[-2:-1]:
        word = word[:-1]
    return f"{word[:-1]}i" if word.endswith("y") and len(word) > 3 else word


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


def _stems(text: str) -> frozenset[str]:
    return frozenset(map(stem, text.split()))


def _by_stem(text: str) -> dict[str, str]:
    lines = [[stem(word) for word in line.split()] for line in text.strip().splitlines()]
    return {word: line[0] for line in lines for word in line}


# What one outlet writes and another leaves out, and nothing follows from it.
EMPTY = _stems("""
a an and are as at be been being did do does had has have her his in into is it its just of on onto or so
some such than that the their them then there these they this those to too very was were where which while
who whom whose will with would about after amid due during following for over through via per also already
now new newly recently today finally officially say said tell told announce reveal show accord company firm
maker chipmaker startup giant rival group own unveil introduce agree post
""")

# What one of two titles says and the other does not: then they tell two events, or two stages of one.
TELLING = _stems("""
not no never none nobody nothing neither nor without before under until unless except up down off again
another more less few most least other still yet only how why what when if first second third fourth fifth
last next early late old both may might could should can must likely unlikely possible possibly reportedly
rumor rumour report plan consider mull weigh eye seek want hope expect propose talk try prepare aim ask urge
call threaten vow warn vote promise claim allege confirm deny reject refuse decline oppose dispute dismiss
appeal block ban allow approve clear delay halt pause resume cancel abandon withdraw reverse revive restore
back begin start end complete finish close open reopen fail pass win lose beat rise fall grow shrink drop
gain jump surge slump plunge high low lower raise cut double triple half keep remove add buy sell sue settle
launch release fix find leak hack steal kill hire resign thousand million billion dozen hundred north south
east west northern southern eastern western local national global foreign free pay preview stable mini lite
plus ultra price cost date share stock profit revenue problem issue order trailer demo trial test error
out developer public customer user subscriber parent teen kid student
""")

# Which way it went, told by the name or number that follows.
WAYS = frozenset({"by", "from", "against"})

# What takes several words to say, as the one word that stands for it; in this order.
PHRASES = {
    r"(?:is|are|was|were) over": "ends",
    r"(?:is|are) (?:now )?(?:out(?! of\b)|available|here)|roll(?:s|ed|ing)? out": "released",
    r"^announcing (.+)": r"\1 released",
    r"(?:lay|lays|laying|laid) off ([\d.,]+k?)": r"cuts \1 jobs",
    r"(?:lay|lays|laying|laid) off": "cuts jobs",
    r"(?:step|steps|stepping|stepped) down": "resigns",
    r"(?:knock|knocks|knocked|take|takes|took) (?:down|out)": "down",
    r"by (?=[$€£¥]?\d)": "",
}

# One event in several words: the first of a line stands for all.
SAME = _by_stem("""
buy bought acquire acquisition purchase
launch debut
release land ship
fix patch
flaw vulnerability bug hole
leak leaked
sue lawsuit
hire appoint name
cut slash axe
job employee staff worker
close shut shutdown closure
raise raised secure nab
probe investigation inquiry investigate
steal stole stolen theft
add adds
delay postpone
abandon scrap
settle settlement
merge merger
former ex
factory plant fab
build built
price pricing
worldwide globally
pay paid
find found discover
sell sold sale
rule ruling
teach taught
lose lost loss
win won
give gave given
take took taken
begin began begun
fall fell
rise rose
grow grew
lead led
make made
end stop cease drop remove
resign quit
move migrate
""")

# Words of lists, of series, of status pages and of what each writes for itself: such titles tell no event.
SERIES = _words("""
weekly daily monthly roundup digest digests newsletter links recap episode ep deals coupon promo best top
review reviews hands opinion editorial interview interviews tutorial tutorials guide guides hint hints
answers wordle crossword thread megathread changelog notes live liveblog horoscope quiz gallery everything
agenda devlog diary brief briefing headlines morning evening tips explained explainer comparison compared vs
versus giveaway sponsored bulletin essay incident incidents degraded elevated maintenance merry christmas
thanksgiving happy introduction basics beginner beginners we our my i
""")

# Words that may stand in one title alone, though `casing.is_common` does not know them.
PLAIN = _stems("""
slow software debt unit model lab trial verdict times browser tool platform service results head board
executive
""")

# No common words of English, and yet nobody's name.
NAMELESS = _stems("""
security cloud ai it us uk eu european chinese american german french japanese black cyber internet mobile
online monday tuesday wednesday thursday friday saturday sunday january february march april june july
august september october november december chief ceo cto cfo cio president founder web app pc tv ev gpu cpu
llm ml os ios vpn iot ipo dns sql cve rce lts rc beta alpha pro max windows linux android kernel open source
research data code court store business search weather bank airline hospital researcher podcast accelerator
scheduler recall truck brake diesel map line server router facial transistor zero photo bus collector
quantum team kilogram glass town office city project charging kilometer summer power inflate patent
spreadsheet joint venture exoplanet mail manager fire system everybody earn commission health billing
hearing aid solar typo fold laundry shell burn protest provider desert supply console backdoor cheap tablet
fiber law employ demand ransom cryptocurrency cycle compete agreement core pedestrian tracker agency
volunteer upkeep blame shortage picture center cooling turbine repair spare astronaut station standard
lawyer red recording speech state rewrite storage engine affiliate laboratory clinic patient unpatched bill
inspector voice wearer fund play band social media repay message beam signal panel publication unlock
counter house save licence license catalogue listener playlist song seal page link writer fake weekend cash
latency database image video camera network networking
""")
