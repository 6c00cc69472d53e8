"""Data in and out under protocols, with disclosure control of every release."""
