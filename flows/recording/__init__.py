"""DVC: the graph of a study, and its stages brought up to date."""
