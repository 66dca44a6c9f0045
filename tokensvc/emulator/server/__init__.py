"""The HTTP and WebSocket server, its register of connections and the inspection views."""
