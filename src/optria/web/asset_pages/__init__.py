"""The register and the page of an asset, above what they are put together from."""
