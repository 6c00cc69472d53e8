"""The forecasting verbs: made, kept, scored again."""
