"""Charts of a few days as rectangles: what a template draws, without style or script of its own. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Literal

WIDTH, HEIGHT = 40, 100  # of a day's column, of all
_GAP = 6  # between two columns
Unit = Literal["件", "%"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """One kind of what is counted, by days; `kind` is what a stylesheet knows it by."""

    kind: str
    label: str
    values: tuple[float | None, ...]  # None: nothing is known


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """One rectangle, from the left and the top."""

    kind: str
    x: float
    y: float
    width: float
    height: float
    says: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Chart:
    """Columns of bars that stand on one another, a column a day."""

    title: str
    note: str
    days: tuple[date, ...]
    series: tuple[Series, ...]
    unit: Unit
    top: float  # what the height stands for

    @property
    def width(self) -> int:
        """How wide all columns are."""
        return WIDTH * len(self.days)

    @property
    def height(self) -> int:
        """How high the highest column may be."""
        return HEIGHT

    @property
    def bars(self) -> list[Bar]:
        """The rectangles, by days and from below."""
        found = []
        for column, day in enumerate(self.days):
            below = 0.0
            for each in self.series:
                value = each.values[column]
                if value:
                    found.append(self._bar(column, day, each, value, below))
                    below += value
        return found

    @property
    def says(self) -> str:
        """What the picture tells those who do not see it; all of it stands in the table beneath."""
        if not self.is_known:
            return f"{self.title}: まだ記録がありません"
        last = "、".join(f"{each.label} {self.text(each.values[-1])}" for each in self.series)
        return f"{self.title}、{len(self.days)}日分の棒グラフ。最後の日は{last}"

    @property
    def is_known(self) -> bool:
        """Whether there is anything to show."""
        return any(value for each in self.series for value in each.values)

    def text(self, value: float | None) -> str:
        """Write one of the values."""
        if value is None:
            return "—"
        return f"{value:.0%}" if self.unit == "%" else f"{value:,.0f}件"

    def _bar(self, column: int, day: date, series: Series, value: float, below: float) -> Bar:
        scale = HEIGHT / self.top
        return Bar(
            kind=series.kind, x=column * WIDTH + _GAP / 2, width=WIDTH - _GAP,
            y=round(HEIGHT - (below + value) * scale, 2), height=round(value * scale, 2),
            says=f"{day.month}月{day.day}日 {series.label} {self.text(value)}",
        )  # fmt: skip


def counted(title: str, note: str, days: Sequence[date], series: Sequence[Series]) -> Chart:
    """Return a chart of numbers, as high as the highest day needs."""
    sums = (sum(each.values[column] or 0 for each in series) for column in range(len(days)))
    top = _round(max(sums, default=0))
    return Chart(title=title, note=note, days=tuple(days), series=tuple(series), unit="件", top=top)


def shares(title: str, note: str, days: Sequence[date], series: Series) -> Chart:
    """Return a chart of shares, from nothing to all."""
    return Chart(title=title, note=note, days=tuple(days), series=(series,), unit="%", top=1.0)


def _round(highest: float) -> float:
    """Return the next number that reads well: 1, 2 or 5 and noughts."""
    power = 1
    while True:
        for step in (1, 2, 5):
            if step * power >= highest:
                return float(step * power)
        power *= 10
