"""Existing base connections come under management."""
