"""World: simulated homes, what can be asked about them, episodes, plans and preference pairs."""
