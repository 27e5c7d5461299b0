"""One room for each plugin system. `interface` is what a room offers to those who do not know it by name."""
