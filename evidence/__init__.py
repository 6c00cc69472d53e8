"""What may be said: run records, studies, tables, figures, reports, and the command line."""
