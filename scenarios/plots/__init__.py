"""Pictures of what a run left behind. Matplotlib is imported only when one is drawn."""
