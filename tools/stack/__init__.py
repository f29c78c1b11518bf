"""The whole system on one machine: broker, cloud and simulated gateways as child processes."""
