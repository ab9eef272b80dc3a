"""Operations on finished studies and their models: deploy, watch, verify, repair, reproduce."""
