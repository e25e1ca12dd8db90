"""A killed process of this machine is known to be gone; of anything else nothing is concluded."""

import subprocess
import sys

from optria.app.holder import holder_name, is_gone

OTHER = "from optria.app.holder import holder_name; print(holder_name(), flush=True); input()"


def test_a_process_that_lives_is_not_gone_and_one_that_ended_is() -> None:
    other = subprocess.Popen([sys.executable, "-c", OTHER], stdout=subprocess.PIPE, stdin=subprocess.PIPE)
    assert other.stdout is not None
    name = other.stdout.readline().decode().strip()
    assert not is_gone(name)
    other.kill()
    other.communicate()
    assert is_gone(name)


def test_of_another_machine_nothing_is_concluded() -> None:
    boot, _, rest = holder_name().partition("/")
    assert not is_gone(f"other{boot}/{rest}")
    assert not is_gone("")
    assert not is_gone("what is this")
