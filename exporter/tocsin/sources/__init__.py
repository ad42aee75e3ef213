"""One folder a source, with the same file names in each; no source imports another."""
