"""Files as people have them, broken at random: each is understood, or refused in plain words."""
