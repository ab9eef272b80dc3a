"""A run of the flow: stages and trainings as tasks of Prefect, and their results."""
