"""Rules of metering as plain sentences, carried out on a real gateway; docs/scenarios.md says how to add one."""
