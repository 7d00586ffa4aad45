"""Tests of provisioner.state."""
