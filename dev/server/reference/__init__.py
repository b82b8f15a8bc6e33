"""The API reference: docs/openapi.yaml as a page, at `/` of `make run` or as files to publish."""
