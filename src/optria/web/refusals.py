"""The sentences that a program answers with, in the language of the person who reads them.

Answers are English wherever they are made. A browser says by its cookie that a page is Arabic, and the
sentences that people meet in ordinary work are then translated at the edge; others stay as they are.
"""

import re
from collections.abc import Iterator, Sequence
from functools import cache
from typing import Final

from optria.web.rendering import translate
from optria.web.words import STATUS_WORDS, _

SENTENCES: Final = (
    _("Please sign in."),
    _("Not authorized"),
    _("The e-mail address or the password is wrong."),
    _("The password is too short: use at least %(count)s characters."),
    _("The password is the name of the account: choose another one."),
    _("The password is one of the most common ones: choose another one."),
    _("The database cannot be reached at the moment. Try again shortly."),
    _("Something went wrong on our side; it has been logged."),
    _("Say which tenant this is for: add ?tenant_id= to the address."),
    _("A work order that is %(status)s cannot become %(other)s."),
    _("A work order that is %(status)s cannot be %(done)s."),
    _("A work order that is %(status)s no longer changes. Add a note to it."),
    _("A finished work order cannot be given to someone else."),
    _("You may change the status and the notes of this work order, nothing else."),
    _("The cause is said when the work is completed. Complete the work order first."),
    _("There is no such work order, or it is not yours to see."),
    _(
        "Work order %(code)s was changed by someone else: it is at version %(version)s now. "
        "Reload it and try again."
    ),
    _("A note needs some text."),
    _("There is no asset %(code)s."),
    _("there is no asset %(code)s"),
    _("%(tag)s is in line %(line)s already"),
    _("The tag %(tag)s of this connection is mapped already. Change that mapping instead."),
    _("%(asset)s has its %(metric)s from %(tag)s already; an asset has each metric once."),
    _("%(asset)s is out of use; nothing can be mapped to it."),
    _("'%(low)s' must be below '%(high)s'."),
    _("The file has more than %(count)s rows. Split it."),
    _("The column %(column)s is there twice."),
    _("The first line lacks the column %(column)s. It names columns of: %(columns)s."),
    _("Nothing answers at %(where)s. Check host and port, the network and the firewall."),
    _("The source did not answer within %(seconds)s s."),
    _("No values came within %(seconds)s s."),
    _("Connected to %(source)s, which is running."),
    _("Connected; the query gives %(count)s rows."),
    _("Reached %(source)s; its data server %(server)s is connected."),
    _("Reached %(source)s; its data server %(server)s is not connected."),
    _("None of the mapped tags exists on %(where)s. Check the external tag names of the signal mappings."),
    _("'%(address)s' is not a valid address. Write it like %(example)s."),
    _("'%(address)s' is not an address of this kind of source. Write it like %(example)s."),
    _(
        "The OPC UA server's certificate is not trusted yet: SHA-256 %(digest)s. "
        "Compare it with the one shown at the server; then enter it as server certificate, "
        "or trust it with `%(command)s`."
    ),
    _(
        "The OPC UA server does not offer %(mode)s with %(policy)s. It offers: %(offered)s. "
        "Choose one of these."
    ),
    _(
        "Our certificate for OPC UA expires on %(date)s. Renew it with `%(command)s` "
        "and trust the new one at the servers."
    ),
    _(
        "Our certificate for OPC UA expired on %(date)s. Renew it with `%(command)s` "
        "and trust the new one at the servers."
    ),
    _(
        "The certificate '%(name)s' of the OPC UA server expires on %(date)s. "
        "Renew it at the server, then trust the new one here."
    ),
    _(
        "The certificate '%(name)s' of the OPC UA server expired on %(date)s. "
        "Renew it at the server, then trust the new one here."
    ),
    _(
        "The server keeps samples for %(granted)s s of a cut link, not for the %(asked)s s asked for; "
        "after a longer one they are fetched from its history."
    ),
    _("The server gives no history of %(count)s of %(all)s signals; they are read from now on."),
    _("Nothing is known of %(count)s signals from %(start)s to %(end)s UTC: the server kept nothing of it."),
    _("The server has no node %(names)s; the other signals are read."),
    _("The server does not let us read %(names)s; the other signals are read."),
    _("No rows for %(names)s; the other signals are read."),
    _("Of the redundant set:"),
    _("Of the redundant set %(url)s is read."),
    _("The OPC UA server %(url)s has fallen to service level %(level)s; %(other)s is read instead."),
    _("Field required"),
    _("Input should be a valid number"),
    _("Input should be a valid number, unable to parse string as a number"),
    _("Input should be a valid integer"),
    _("Input should be a valid integer, unable to parse string as an integer"),
    _("Input should be a valid string"),
    _("Input should be greater than %(limit)s"),
    _("Input should be greater than or equal to %(limit)s"),
    _("Input should be less than %(limit)s"),
    _("Input should be less than or equal to %(limit)s"),
    _("String should have at least %(count)s character"),
    _("String should have at least %(count)s characters"),
    _("String should have at most %(count)s characters"),
)
"""What is answered, word for word, with names for the parts that differ."""
_BETWEEN: Final = re.compile(r"(?<=[.:])\s+(?=[A-Z0-9'])")
_PART: Final = re.compile(r"%\((\w+)\)s")


def in_language(sentence: str, language: str) -> str:
    """``sentence`` as it is said in ``language``; unchanged where it is not one of :data:`SENTENCES`."""
    if language == "en":
        return sentence
    for message, shape in _shapes():
        found = shape.fullmatch(sentence)
        if found:
            parts = {name: _part(name, text, language) for name, text in found.groupdict().items()}
            return translate(message, language) % parts if parts else translate(message, language)
    return sentence


def all_in_language(text: str, language: str) -> str:
    """Several sentences after one another, as a connection says them; those that are not known stay."""
    pieces = _BETWEEN.split(text) if language != "en" else [text]
    said = []
    while pieces:
        count, sentence = next(_known(pieces, language), (1, pieces[0]))
        said.append(sentence)
        pieces = pieces[count:]
    return " ".join(said)


def _known(pieces: Sequence[str], language: str) -> Iterator[tuple[int, str]]:
    """How many of the pieces at the beginning are one known sentence, and that sentence; the fewest first."""
    for count in range(1, len(pieces) + 1):
        sentence = " ".join(pieces[:count])
        if (said := in_language(sentence, language)) != sentence:
            yield count, said


def of_rows(errors: Sequence[str], language: str) -> list[str]:
    """What is wrong with the row of a file: ``column: what is wrong.`` or a sentence."""
    return [_of_row(each, language) for each in errors]


def _of_row(error: str, language: str) -> str:
    column, colon, what = error.partition(": ")
    said = in_language(what.removesuffix("."), language)
    if colon and said != what.removesuffix("."):
        return f"{column}: {said}."
    return in_language(error, language)


def _part(name: str, text: str, language: str) -> str:
    key = text.replace(" ", "_")
    is_status = name in ("status", "other") and key in STATUS_WORDS
    return translate(STATUS_WORDS[key], language) if is_status else text


@cache
def _shapes() -> list[tuple[str, re.Pattern[str]]]:
    """Each sentence with a pattern of it; the longest first, as it says most."""
    return [(each, _shape(each)) for each in sorted(SENTENCES, key=len, reverse=True)]


def _shape(message: str) -> re.Pattern[str]:
    pieces = _PART.split(message)
    made = [f"(?P<{piece}>.+)" if index % 2 else re.escape(piece) for index, piece in enumerate(pieces)]
    return re.compile("".join(made), re.DOTALL)
