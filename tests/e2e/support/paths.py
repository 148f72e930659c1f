# SPDX-License-Identifier: MIT
"""Where the programs under test and the sources they are checked against are.

WHD_BIN_DIR names the folder of whd, whctl and whsim; without it the usual
build folder is taken.
"""

import os
import pathlib
import sys

ROOT = pathlib.Path(__file__).resolve().parents[3]
BIN = pathlib.Path(os.environ.get("WHD_BIN_DIR") or ROOT / "build/bin")
WHD = BIN / "whd"
WHCTL = BIN / "whctl"
WHSIM = BIN / "whsim"
CLIENT = ROOT / "proto/client"

if str(CLIENT) not in sys.path:
    sys.path.insert(0, str(CLIENT))
