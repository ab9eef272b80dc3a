"""Commands that run servers and schedules, and that look after results."""
