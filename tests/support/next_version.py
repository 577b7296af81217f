"""`hindcast` as its next version, which writes state in another format: python -m tests.support.next_version …"""

import sys

from tables import state_format

if __name__ == "__main__":
    from runtime.cli import main

    state_format.FORMAT += 1
    sys.exit(main())
