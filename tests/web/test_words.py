"""Words that the browser's scripts say."""

from optria.simulator.fault_kinds import FAULT_KINDS
from optria.web.rendering import translate
from optria.web.words import SCRIPT_WORDS


def test_every_fault_of_the_simulated_plant_has_its_word_in_arabic() -> None:
    english = {kind: SCRIPT_WORDS.get(f"fault.{kind}", "") for kind in FAULT_KINDS}
    assert all(english.values())
    assert all(translate(word, "ar") != word for word in english.values())
