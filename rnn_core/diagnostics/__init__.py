"""What recurrent networks are warned of, measured on a seed's own weights and data."""
