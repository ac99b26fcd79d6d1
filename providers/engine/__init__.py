"""What turns facts into what is shown.  Imports the words and `base`, never a provider folder."""
