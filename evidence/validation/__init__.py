"""How far the model can be trusted: calibration, patterns, hindcasts, and what each feedback is worth."""
