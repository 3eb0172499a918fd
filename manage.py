#!/usr/bin/env python
"""The command line of OMNI2: `./manage.py help` lists what it can do."""

import os
import sys

from omni2.command_line import main

if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "omni2.settings")
    main(sys.argv)
