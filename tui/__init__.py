"""The two thin front ends: the pane and the one-shot commands.  Draws what the deck says."""
