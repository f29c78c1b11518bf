"""The only folder that imports network, socket, tls and umqtt."""
