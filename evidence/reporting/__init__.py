"""The report as a bundle that travels, and what lets anyone check it: citations, editions, signatures, remaking."""
