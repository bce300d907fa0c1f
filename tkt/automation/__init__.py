"""Rules, the actions they name, and who gets a ticket: decisions only. `tkt.desk` carries them out."""
