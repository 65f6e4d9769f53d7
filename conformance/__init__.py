"""The SpikeParity conformance harness: one corpus of cases, any number of backends, every verdict and bit compared."""
