"""The Live API's messages: their fields, proto-JSON, field masks, models and errors."""
