"""Official releases as published: read from their workbooks, kept as vintages, laid over the reference tables."""
