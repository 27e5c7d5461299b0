"""WebAssembly translated to Python functions.

Where each chapter of the WebAssembly Core Specification 2.0 is:

    2.5, 5.4.9, 5.5   modules and their binary format     module.py (sections: ../binary.py, types: ../binary_types.py)
    5.2, 5.3          immediates of instructions          immediates.py
    5.4               instructions                        opcodes.py
    3.2, 3.4          validation of modules               validate.py
    3.3, 7.3          validation of function bodies       validate_body.py, on the stacks of validate_stacks.py
    4.2, 4.5          instances, instantiation            store.py; import matching: link.py
    4.2.7, 4.4.6      tables, references                  table.py
    4.2.8, 4.4.7      memory                              memory.py
    4.3               numerics                            expressions.py as Python text, numerics.py as functions
    4.4               instructions                        blocks.py, on the operands of operands.py
    4.4.8             control                             control.py gives a graph (graph.py), structure.py its text
    7.1               embedding                           engine.py
    7.2               limitations                         meter.py (fuel, time), stack.py (depth)

A function takes this way when it is called for the first time: `store` asks `cache`, `translate` has its body written
by `blocks` and `structure` and compiles the text. `translate.source` gives the text, for people to read.
"""

from reference_host.engine.purepy.engine import PurepyEngine

__all__ = ["PurepyEngine"]
