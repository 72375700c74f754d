"""Keys with which people sign (kunci sandi), and the decisions that they sign with them."""
