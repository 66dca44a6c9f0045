"""The HTTP and WebSocket server, its record of connections, and the inspection endpoints."""
