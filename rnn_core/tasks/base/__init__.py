"""What every task is made of."""
