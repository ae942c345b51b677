"""SigMF: metadata in JSON and a file of samples, as a pair or in an archive. Specification: sigmf.org, 1.2."""
