"""Paper for every document that people hold: one font, a title, a foot on each page; same content, same bytes.

Noto Sans has the letters of Latin, Greek and Cyrillic scripts, also those of African languages. Nothing is shaped here,
so scripts that need it (Arabic, Devanagari and others) come out as single letters or boxes.
"""

import datetime
from pathlib import Path

import fontpkg_noto_sans
from fpdf import FPDF
from fpdf.enums import TextMode, XPos, YPos
from fpdf.fonts import TTFFont

A4_MM = (210, 297)
_FONT = "Noto Sans"
_FONT_FILE = Path(fontpkg_noto_sans.ROOT, "files", "NotoSans[wdth,wght].ttf")
_BOLD_LINE_MM = 0.08
LINE_MM_PER_PT = 0.48
_GAP_MM = 6
_MARGIN_MM = 15
_FOOT_MM = 12


class Paper(FPDF):
    """A document in the making. `made_at` is the time that it bears; a page's foot names the title and its number."""

    def __init__(
        self,
        title: str,
        made_at: int,
        *,
        size_mm: tuple[float, float] = A4_MM,
        margin_mm: float = _MARGIN_MM,
        foot: bool = True,
    ) -> None:
        landscape = size_mm[0] > size_mm[1]
        super().__init__("landscape" if landscape else "portrait", "mm", (min(size_mm), max(size_mm)))
        self.foot = foot
        self.set_title(title)
        self.set_creator("Penstock")
        self.set_creation_date(datetime.datetime.fromtimestamp(made_at, datetime.UTC))
        self.set_margin(margin_mm)
        self.set_auto_page_break(True, margin_mm + (_FOOT_MM / 2 if foot else 0))
        self.add_font(_FONT, "", _FONT_FILE)
        self.set_font(_FONT, size=9)
        self.alias_nb_pages()
        self._name = title

    def footer(self) -> None:
        """Write the foot of a page; called by the library."""
        if not self.foot:
            return
        self.set_y(-_FOOT_MM)
        self.set_font(_FONT, size=7)
        self.cell(text=self._name[:120], align="L")
        self.set_x(self.l_margin)
        self.cell(w=self.epw, text=f"{self.page_no()} / {{nb}}", align="R")

    def line_of(self, text: str, size_pt: float = 9, *, bold: bool = False, align: str = "L") -> None:
        """Write text over the whole width, wrapped, and go to the next line."""
        self.set_font(_FONT, size=size_pt)
        mode = TextMode.FILL_STROKE if bold else TextMode.FILL
        with self.local_context(text_mode=mode, line_width=_BOLD_LINE_MM):
            height = size_pt * LINE_MM_PER_PT
            self.multi_cell(self.epw, height, text, align=align, new_x=XPos.LMARGIN, new_y=YPos.NEXT)

    def pair(self, left: str, right: str, size_pt: float = 9, *, bold: bool = False) -> None:
        """Write a label at the left and a value at the right of one line; on two lines if they are too long for it."""
        self.set_font(_FONT, size=size_pt)
        if self.get_string_width(left) + self.get_string_width(right) + _GAP_MM > self.epw:
            self.line_of(left, size_pt, bold=bold)
            left = ""
        with self.local_context(text_mode=TextMode.FILL_STROKE if bold else TextMode.FILL, line_width=_BOLD_LINE_MM):
            height = size_pt * LINE_MM_PER_PT
            self.cell(0, height, left)
            self.set_x(self.l_margin)
            self.cell(self.epw, height, right, align="R", new_x=XPos.LMARGIN, new_y=YPos.NEXT)

    def rule(self) -> None:
        """Draw a thin line over the whole width."""
        self.ln(1)
        self.set_line_width(0.15)
        self.line(self.l_margin, self.y, self.l_margin + self.epw, self.y)
        self.ln(1)

    def done(self) -> bytes:
        """Return the document; nothing can be added to it."""
        made = bytes(self.output())
        self.close()
        return made

    def close(self) -> None:
        """Close the font's file, which the library leaves open."""
        for font in self.fonts.values():
            assert isinstance(font, TTFFont)
            font.ttfont.close()
