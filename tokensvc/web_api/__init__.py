"""The HTTP face: Flask lives here and above, nowhere below."""
