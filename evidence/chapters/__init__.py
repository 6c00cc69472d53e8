"""What each notebook of the report shows."""
