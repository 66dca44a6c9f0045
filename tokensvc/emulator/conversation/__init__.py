"""What a conversation holds: its context, its plan and its resumption handles."""
