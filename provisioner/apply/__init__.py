"""Executing a plan: intent, call, record."""
