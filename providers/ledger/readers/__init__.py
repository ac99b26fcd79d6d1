"""Readers of tools that have no panel of their own, as rows of two tables.

`providers.load_logs` takes them from here by id; nobody else needs to look inside.
"""

from __future__ import annotations

from collections.abc import Mapping

from providers.ledger.readers.detected import DETECTED
from providers.ledger.readers.measured import MEASURED
from providers.ledger.readers.tool import Tool

TOOLS: Mapping[str, Tool] = {tool.id: tool for tool in (*MEASURED, *DETECTED)}
