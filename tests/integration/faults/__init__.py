"""What happens when something fails, as one table that is run and from which a page is written."""
