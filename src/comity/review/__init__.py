"""From a book to a Review value, and that value in six formats: terminal, JSON, HTML, PDF, XLSX and PPTX."""
