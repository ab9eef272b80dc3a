"""Commands that leave something running, or ask what does."""
