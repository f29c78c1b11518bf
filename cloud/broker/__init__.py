"""The NATS server between gateways and cloud: its configuration, who may sign in, and the connection to it."""
