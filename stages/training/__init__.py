"""How weights are drawn, fitted and chosen."""
