"""From a book to a Review value, and the faces of it: terminal, JSON, HTML, PDF and XLSX."""
