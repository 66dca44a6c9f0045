"""The HTTP and WebSocket server, its connections of connections and the inspection views."""
