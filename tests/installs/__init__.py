"""Installs tried as strangers make them: `make test-installs`."""
