"""The interactive explorer: levers, a paired ensemble that refines while you watch, and what it found, with ranges."""
