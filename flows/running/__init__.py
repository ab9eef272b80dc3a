"""A run of the flow: stages and trainings as tasks of Prefect, and what it comes to."""
