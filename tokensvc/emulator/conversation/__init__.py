"""Conversations: their context, their plan and their resumption handles."""
