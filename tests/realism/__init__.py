"""How real a flow looks: the scorecard and what it reads."""
