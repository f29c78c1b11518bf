"""Messages to customers: written with their cause, delivered later, retried until they arrive or are given up."""
