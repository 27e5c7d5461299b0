"""What the suites of several systems need in their labs: probes of allocators, meters, growth, faults.

Nothing here knows a plugin system. `bounds` says how far an experiment goes, `probes` asks an allocator for buffers,
`metering` reads what a call takes of its host, `growth` looks at memory over many calls, `asking` puts a rule to them.
"""
