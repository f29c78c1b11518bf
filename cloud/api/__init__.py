"""The typed route table: validation, authorisation and the OpenAPI document all come from the same declarations."""
