"""Vouchers on paper: fourteen on a page of A4, to be cut apart along the lines."""

from collections.abc import Iterable
from dataclasses import dataclass

from cloud.notify.texts import grouped, money
from cloud.payments.voucher_models import VoucherBatch
from cloud.reports.paper import Paper
from cloud.reports.sheet import day_text
from shared.civil import Zone

_MARGIN_MM = 10
_ACROSS, _DOWN = 2, 7
_WIDTH_MM, _HEIGHT_MM = 95.0, 39.0
_INSET_MM = 4
_NAME_MAX, _NAME_AT_8_PT = 54, 36
_WORDS = {
    "en": {
        "until": "Valid until",
        "how": "Send or tell this number with the number of your meter.\nIt works once. Keep it secret.",
    },
    "fr": {
        "until": "Valable jusqu'au",
        "how": "Envoyez ou dites ce numéro avec celui de votre compteur.\nIl sert une fois. Gardez-le secret.",
    },
}


@dataclass(frozen=True)
class Issuer:
    """Whose vouchers they are: the utility's name, its zone (shared.civil), and the language of its customers."""

    name: str
    zone: bytes
    language: str


def voucher_pdf(batch: VoucherBatch, made: Iterable[tuple[int, str]], issuer: Issuer) -> bytes:
    """Return the page or pages of a batch, given serial and code of each voucher."""
    paper = Paper(f"{issuer.name} {batch.id}", batch.created_at, margin_mm=_MARGIN_MM, foot=False)
    paper.set_auto_page_break(False)
    last_day = Zone(issuer.zone).local(batch.expires_at - 1)[0]
    amount = f"{money(batch.amount_minor, batch.currency)} {batch.currency}"
    until = f"{_WORDS[issuer.language]['until']} {day_text(last_day)}"
    for number, (serial, code) in enumerate(made):
        place = number % (_ACROSS * _DOWN)
        if place == 0:
            paper.add_page()
        _card(paper, place, (issuer.name, amount, grouped(code), f"{batch.id}-{serial}", until), issuer.language)
    return paper.done()


def _card(paper: Paper, place: int, texts: tuple[str, str, str, str, str], language: str) -> None:
    name, amount, code, number, until = texts
    down, across = divmod(place, _ACROSS)
    left, top = _MARGIN_MM + across * _WIDTH_MM, _MARGIN_MM + down * _HEIGHT_MM
    paper.set_draw_color(150)
    paper.set_line_width(0.1)
    paper.set_dash_pattern(1, 1)
    paper.rect(left, top, _WIDTH_MM, _HEIGHT_MM)
    paper.set_dash_pattern()
    paper.set_draw_color(0)
    inner = (left + _INSET_MM, _WIDTH_MM - 2 * _INSET_MM)
    _line(paper, inner, top + 3, name[:_NAME_MAX], 8 if len(name) <= _NAME_AT_8_PT else 5.5, "L")
    _line(paper, inner, top + 3, amount, 11, "R")
    _line(paper, inner, top + 12, code, 17, "C")
    for row, text in enumerate(_WORDS[language]["how"].split("\n")):
        _line(paper, inner, top + 22 + row * 3.5, text, 6.5, "L")
    _line(paper, inner, top + 31, until, 7, "L")
    _line(paper, inner, top + 31, number, 7, "R")


def _line(paper: Paper, inner: tuple[float, float], top: float, text: str, size_pt: float, align: str) -> None:
    paper.set_font_size(size_pt)
    paper.set_xy(inner[0], top)
    paper.cell(inner[1], size_pt * 0.48, text, align=align)
