# SPDX-License-Identifier: MIT
"""What the end-to-end tests share: the simulator, the daemon, the wire, the contract."""
