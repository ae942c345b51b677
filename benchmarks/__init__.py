"""How fast the product is, measured on data that the scripts make themselves."""
