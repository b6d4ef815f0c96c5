"""Charts and glyphs as SVG, and the figures that a review draws with them."""
