"""The form of the database, revision by revision."""
