"""How well promises were kept, and why some were not: `report` counts, `text`, `html` and `document` show it."""
