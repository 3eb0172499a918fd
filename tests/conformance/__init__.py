"""The official conformance suite against our endpoint and our client: `make conformance`."""
