"""What a user meets before any command runs: the welcome, and the completion of words."""
