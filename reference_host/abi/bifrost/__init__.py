"""Bifrost's WASM plugin ABI, revisions r0, r1, r1b and r2, from the host's side.

Rooms: `revisions` (what each exports), `contract` (whether a module does), `heap` (whose memory it is), `documents`
(what a host sends), `jsontext` (JSON read strictly), `answers` (what a hook said), `plugin` (the whole life of one
plugin), `types` and `events` (the values), `system` (the face for commands that know no system by name).
"""

from reference_host.abi.bifrost.system import BifrostSystem
from reference_host.abi.interface import System

SYSTEM: System = BifrostSystem()
