"""The reference tables, one module for each group of them: how each is built from the source files, and checked."""
