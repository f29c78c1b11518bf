"""A table on paper: rows that are as high as their longest cell, headings again on every page.

The library's own table does the same in five times the time, as it looks at each cell's fragments, images and styles.
"""

from collections.abc import Iterator, Sequence
from typing import Literal

from cloud.reports.paper import LINE_MM_PER_PT, Paper

Align = Literal["L", "R"]
HEADING, TOTAL = 225, 242
"""The grey behind a row, 0 to 255."""
_LINE_GREY = 190
_LINE_MM = 0.1
_ABOVE_MM = 0.6


class PdfTable:
    """A table in the making; `padding_mm` is left free at both sides of a cell."""

    def __init__(
        self,
        paper: Paper,
        headings: Sequence[str],
        widths_mm: Sequence[float],
        aligns: Sequence[Align],
        size_pt: float,
        padding_mm: float,
    ) -> None:
        self._paper = paper
        self._widths_mm = widths_mm
        self._aligns = aligns
        self._size_pt = size_pt
        self._padding_mm = padding_mm
        self._line_mm = size_pt * LINE_MM_PER_PT
        self._headings = headings
        self.row(headings, HEADING)

    def row(self, texts: Sequence[str], grey: int | None = None) -> None:
        """Write a row, on a new page if it does not fit on this one."""
        paper = self._paper
        paper.set_font_size(self._size_pt)
        cells = [list(self._lines(text, width)) for text, width in zip(texts, self._widths_mm, strict=True)]
        height = max(map(len, cells)) * self._line_mm + 2 * _ABOVE_MM
        if paper.y + height > paper.page_break_trigger:
            paper.add_page(same=True)
            if texts is not self._headings:
                self.row(self._headings, HEADING)
        self._frame(height, grey)
        self._write(cells)
        paper.set_xy(paper.l_margin, paper.y + height)

    def _frame(self, height: float, grey: int | None) -> None:
        paper = self._paper
        if grey is not None:
            paper.set_fill_color(grey)
            paper.rect(paper.l_margin, paper.y, paper.epw, height, style="F")
        paper.set_draw_color(_LINE_GREY)
        paper.set_line_width(_LINE_MM)
        paper.line(paper.l_margin, paper.y + height, paper.l_margin + paper.epw, paper.y + height)
        paper.set_draw_color(0)

    def _write(self, cells: list[list[str]]) -> None:
        paper = self._paper
        top, left = paper.y, paper.l_margin
        for lines, width, align in zip(cells, self._widths_mm, self._aligns, strict=True):
            for number, line in enumerate(lines):
                at = left + self._padding_mm
                if align == "R":
                    at = left + width - self._padding_mm - paper.get_string_width(line)
                paper.text(at, top + _ABOVE_MM + (number + 0.75) * self._line_mm, line)
            left += width

    def _lines(self, text: str, width: float) -> Iterator[str]:
        """Wrap at spaces; a word that is wider than its column is broken."""
        room = width - 2 * self._padding_mm + 0.01
        if self._paper.get_string_width(text) <= room:
            yield text
            return
        line = ""
        for word in text.split(" "):
            longer = f"{line} {word}" if line else word
            if self._paper.get_string_width(longer) <= room:
                line = longer
                continue
            if line:
                yield line
            line = word
            while len(line) > 1 and self._paper.get_string_width(line) > room:
                fits = self._fitting(line, room)
                yield line[:fits]
                line = line[fits:]
        yield line

    def _fitting(self, word: str, room: float) -> int:
        """Return how many characters of a word fit, at least one."""
        fits = 1
        while fits < len(word) and self._paper.get_string_width(word[: fits + 1]) <= room:
            fits += 1
        return fits
