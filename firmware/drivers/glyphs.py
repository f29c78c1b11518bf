"""What of a text a display can show: ASCII. Letters lose their marks, the unknown becomes a question mark."""

# One character for one character, so that columns stay where they were.
_FOLD_FROM = "àâäáãçéèêëîïíñôöóõùûüúÀÂÁÃÇÉÈÊËÎÏÍÑÔÖÓÕÙÛÜÚ²³–—’«»¿¡"
_FOLD_TO = 'aaaaaceeeeiiinoooouuuuAAAACEEEEIIINOOOOUUUU23--\'""?!'


def fold(text: str, into: bytearray) -> None:
    """Fill `into`, a row of the display, with the characters of a text: blank where it ends, cut where it is long."""
    for i in range(len(into)):
        character = text[i] if i < len(text) else " "
        at = _FOLD_FROM.find(character)
        code = ord(_FOLD_TO[at] if at >= 0 else character)
        into[i] = code if 0x20 <= code < 0x7F else 0x3F
