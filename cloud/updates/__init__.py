"""Updates of gateways: signed releases, their images, and rollouts in waves that stop by themselves."""
