"""Tests of provisioner.service."""
