"""Desired, prior state and observed become a plan. Pure."""
