"""wasp's plugin interface (nicholasjackson/wasp 0.0.8), from the host's side: functions of any name, with their values.

Rooms: `types` (the values), `heap` (how they lie in the guest's memory, and who gives them back), `callbacks`
(functions of the host's), `registration` (what is known of a module before it runs), `plugin` (instances and calls),
`events` (what was seen), `functions` (what an author says of a plugin), `goformat` (a defect of the real host's),
`system` (the face for commands that know no system by name).
"""

from reference_host.abi.interface import System
from reference_host.abi.wasp.callbacks import Callback, Callbacks
from reference_host.abi.wasp.events import Exchange
from reference_host.abi.wasp.functions import CallbackSpec, Example, Function, Functions, read_functions
from reference_host.abi.wasp.heap import HeapPolicy
from reference_host.abi.wasp.plugin import Engine, Instance
from reference_host.abi.wasp.registration import PluginConfig, Registered
from reference_host.abi.wasp.system import WaspSystem
from reference_host.abi.wasp.types import Profile, Signature, Type, Value

__all__ = [
    "SYSTEM",
    "Callback",
    "CallbackSpec",
    "Callbacks",
    "Engine",
    "Example",
    "Exchange",
    "Function",
    "Functions",
    "HeapPolicy",
    "Instance",
    "PluginConfig",
    "Profile",
    "Registered",
    "Signature",
    "Type",
    "Value",
    "read_functions",
]

SYSTEM: System = WaspSystem()
