"""Models around a recurrent layer; none of them knows which cell it is."""
