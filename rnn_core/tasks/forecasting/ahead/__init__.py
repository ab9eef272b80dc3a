"""What is known of the rows that are to be predicted."""
