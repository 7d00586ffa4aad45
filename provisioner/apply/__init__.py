"""Carrying out plans: every call is recorded before and after it is made."""
